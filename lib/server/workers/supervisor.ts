import {
  EmbeddedRedisFailure,
  type EmbeddedRedisFiles,
  embeddedRedisFiles,
  startEmbeddedRedis,
} from '#lib/cluster/embedded-redis';
import { findRedisProgram, needsEmbeddedRedis, noRedisProgram } from '#lib/cluster/redis-program';
import type { Config } from '#lib/config/config';
import { shutdownDelayMs } from '#lib/config/shutdown-delay';
import { modelFileOf } from '#lib/models/embedded/embedded-worker';
import { ModelRelay } from '#lib/models/embedded/model-relay';
import type { RelayCommand } from '#lib/models/embedded/relay-messages';
import { fail, loadSettings } from '#lib/server/load-settings';
import { warnOfSettings } from '#lib/server/setting-warnings';
import { lifeReportSchema, metricsReportSchema } from '#lib/server/workers/messages';
import { MetricsCollector } from '#lib/server/workers/metrics-collector';
import { RedisKeeper } from '#lib/server/workers/redis-keeper';
import type { RunningWorker } from '#lib/server/workers/running-worker';
import { workerEnvironment } from '#lib/server/workers/worker-environment';
import { WorkerPool } from '#lib/server/workers/worker-pool';
import { flushLog, log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';
import type { SupervisorMessage } from '#lib/worker-process';

/** After the time that a worker takes for its connections, for what it then writes. */
/** See lib/cluster/memory-watch.ts. */
const MAX_CACHED_SHARE = 0.7;
const STOP_RESERVE_MS = 10 * SECOND_MS;
/** What a process ends with that SIGHUP ends. */
const HANGUP_CODE = 129;

/**
 * With WORKERS above 1, makes this process the supervisor of so many servers that share a port,
 * and resolves with true when it has started them. It ends by itself with a sentence where they
 * cannot be started.
 */
export async function superviseWorkers(): Promise<boolean> {
  const settings = loadSettings();
  if (settings.WORKERS === 1) return false;
  warnOfSettings();
  await new Supervisor(settings).start();
  return true;
}

/**
 * Starts and replaces the workers, their Redis and their built-in model, passes messages between
 * them, and ends them in order: workers first, Redis last. It serves no request.
 */
class Supervisor {
  readonly #settings: Config;
  readonly #redisFiles: EmbeddedRedisFiles | undefined;
  readonly #redis: RedisKeeper | undefined;
  readonly #pool: WorkerPool;
  readonly #metrics = new MetricsCollector();
  #model: ModelRelay | undefined;
  #isAnnounced = false;
  #ending: 'stop' | 'exit' | undefined;

  constructor(settings: Config) {
    this.#settings = settings;
    if (needsEmbeddedRedis(settings)) {
      const files = filesOf(settings);
      const program = findRedisProgram() ?? fail(noRedisProgram(settings));
      this.#redisFiles = files;
      this.#redis = new RedisKeeper(() => startEmbeddedRedis(program, files, redisMegabytes(settings)));
    }
    this.#pool = new WorkerPool({
      count: settings.WORKERS,
      environmentOf: (number) => this.#environmentOf(number),
      onMessage: (from, message) => this.#receive(from, message),
      onEnd: (worker) => {
        this.#metrics.drop(worker);
        this.#model?.drop(worker.model);
      },
    });
  }

  async start(): Promise<void> {
    this.#handleProcessEvents();
    try {
      await this.#redis?.start();
    } catch (error) {
      if (error instanceof EmbeddedRedisFailure) fail(error.message);
      throw error;
    }
    if (this.#ending !== undefined) return;
    const end = await this.#pool.start();
    if (this.#ending !== undefined) return;
    // The worker has said why.
    if (end !== undefined) return await this.#exit(end.code === null || end.code === 0 ? 1 : end.code);
    // As for a server by itself, the garbage of the start. Undefined without --expose-gc.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }

  #handleProcessEvents(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.#stop(signal));
    process.on('SIGHUP', () => void this.#exit(HANGUP_CODE));
    process.on('unhandledRejection', (error) => log().error({ err: error }, 'unhandled rejection'));
    process.on('uncaughtException', (error) => {
      log().fatal({ err: error }, 'uncaught exception');
      flushLog();
      void this.#exit(1);
    });
  }

  /** The first signal ends the workers after what they work on, a second one at once. */
  async #stop(signal: string): Promise<void> {
    if (this.#ending !== undefined) return await this.#exit(1);
    this.#ending = 'stop';
    log().info({ signal, workers: this.#pool.running.length }, 'stopping');
    const { areClean } = await this.#pool.stop(
      shutdownDelayMs(this.#settings) + this.#settings.SHUTDOWN_TIMEOUT_MS + STOP_RESERVE_MS,
    );
    await this.#endRest();
    flushLog();
    process.exit(areClean ? 0 : 1);
  }

  async #exit(code: number): Promise<void> {
    if (this.#ending === 'exit') return;
    this.#ending = 'exit';
    await this.#pool.exit();
    await this.#endRest();
    flushLog();
    process.exit(code);
  }

  async #endRest(): Promise<void> {
    await this.#model?.close();
    await this.#redis?.stop();
  }

  #environmentOf(number: number): Record<string, string> {
    const files = this.#redisFiles;
    const role = { number, writesBanner: number === 1 && !this.#isAnnounced, redisPidFile: files?.pidFile };
    return workerEnvironment(this.#settings, role, files?.url);
  }

  #receive(from: RunningWorker, { topic, body }: SupervisorMessage): void {
    if (topic === 'model') {
      this.#model ??= new ModelRelay(modelFileOf(this.#settings));
      // Both ends are this program, so the type of what arrives is known.
      this.#model.receive(from.model, body as RelayCommand);
    } else if (topic === 'metrics') this.#metrics.receive(from, metricsReportSchema.parse(body), this.#pool.running);
    else if (lifeReportSchema.safeParse(body).success) this.#isAnnounced = true;
  }
}

function filesOf({ DATA_DIR }: Config): EmbeddedRedisFiles {
  try {
    return embeddedRedisFiles(DATA_DIR);
  } catch (error) {
    if (error instanceof EmbeddedRedisFailure) return fail(error.message);
    throw error;
  }
}

/**
 * Room for the caches of one server, of which nothing more is written above 70 %, and for the
 * waiting requests of each worker and as much of their results.
 */
function redisMegabytes(settings: Config): number {
  const caches = settings.CACHE_MAX_SIZE_MB + settings.CONVERSATION_CACHE_MAX_SIZE_MB;
  return Math.ceil(Math.max(caches / MAX_CACHED_SHARE, caches + 2 * settings.WORKERS * settings.QUEUE_MAX_MB));
}
