import cluster from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import { RestartBackoff } from '#lib/server/workers/restart-backoff';
import { RunningWorker, type WorkerEnd } from '#lib/server/workers/running-worker';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';
import type { SupervisorMessage } from '#lib/worker-process';

/** A worker that was ordered to exit at once has this long for it. */
const EXIT_TIMEOUT_MS = SECOND_MS;

export interface WorkerPoolOptions {
  readonly count: number;
  readonly environmentOf: (number: number) => Record<string, string>;
  readonly onMessage: (from: RunningWorker, message: SupervisorMessage) => void;
  readonly onEnd: (worker: RunningWorker) => void;
}

interface Slot {
  readonly number: number;
  readonly backoff: RestartBackoff;
  worker: RunningWorker | undefined;
  restart: NodeJS.Timeout | undefined;
}

/**
 * The workers, each of which is replaced when it ends. They accept connections from one shared
 * socket, which this process keeps open (docs/decisions/0040-workers.md).
 */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #slots: readonly Slot[];
  #isServing = false;
  #isStopping = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.count }, (_, index) => ({
      number: index + 1,
      backoff: new RestartBackoff(),
      worker: undefined,
      restart: undefined,
    }));
    cluster.schedulingPolicy = cluster.SCHED_NONE;
  }

  get running(): readonly RunningWorker[] {
    return this.#slots.flatMap(({ worker }) => worker ?? []);
  }

  /**
   * Starts the first worker, and once it serves the others. Resolves then, or with how the first
   * one ended: it has reported bad settings or a port that is taken, which others would, too.
   */
  async start(): Promise<WorkerEnd | undefined> {
    const [first, ...others] = this.#slots;
    if (first === undefined) return undefined;
    const worker = this.#fork(first);
    const end = await Promise.race([worker.listening.then(() => undefined), worker.ended]);
    if (end !== undefined || this.#isStopping) return end;
    this.#isServing = true;
    for (const slot of others) this.#fork(slot);
    return undefined;
  }

  /** Ends all after what they work on; kills those that go on after `deadlineMs`. */
  async stop(deadlineMs: number): Promise<{ areClean: boolean }> {
    const workers = this.#order('stop');
    const ends = Promise.all(workers.map(({ ended }) => ended));
    await within(deadlineMs, ends);
    for (const worker of this.running) {
      log().error({ part: 'workers', worker: worker.number, pid: worker.pid }, 'a worker did not end: it is killed');
      worker.kill();
    }
    return { areClean: (await ends).every(({ code }) => code === 0) };
  }

  /** Ends all at once. */
  async exit(): Promise<void> {
    const workers = this.#order('exit');
    const ends = Promise.all(workers.map(({ ended }) => ended));
    await within(EXIT_TIMEOUT_MS, ends);
    for (const worker of this.running) worker.kill();
    await ends;
  }

  #order(order: 'stop' | 'exit'): readonly RunningWorker[] {
    this.#isStopping = true;
    for (const slot of this.#slots) clearTimeout(slot.restart);
    const workers = this.running;
    for (const worker of workers) worker.order(order);
    return workers;
  }

  #fork(slot: Slot): RunningWorker {
    const forked = cluster.fork(this.#options.environmentOf(slot.number));
    const worker = new RunningWorker(slot.number, forked, this.#options.onMessage);
    slot.worker = worker;
    void worker.ended.then((end) => this.#handleEnd(slot, worker, end));
    return worker;
  }

  #handleEnd(slot: Slot, worker: RunningWorker, { code, how }: WorkerEnd): void {
    slot.worker = undefined;
    this.#options.onEnd(worker);
    if (this.#isStopping || !this.#isServing) return;
    const ranForMs = Math.round(performance.now() - worker.startedMs);
    const delayMs = slot.backoff.delayAfter(ranForMs);
    const fields = { part: 'workers', worker: slot.number, pid: worker.pid, code, how, ran_for_ms: ranForMs };
    if (code === 0) log().info(fields, 'a worker has stopped: another one takes its place');
    else if (delayMs === 0) log().error(fields, 'a worker ended: another one takes its place');
    else
      log().error({ ...fields, again_in_ms: delayMs }, 'a worker ends again and again: the next one is started later');
    slot.restart = setTimeout(() => this.#fork(slot), delayMs);
  }
}

/** Resolves with `work`, or after `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  // Aborted where the work is done first.
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([work, late]);
  timer.abort();
}
