import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { Language } from '#lib/languages/language';
import { BoundedOutput, truncateToBytes } from '#lib/runner/bounded-output';
import { JSON_ESCAPE_BYTES } from '#lib/runner/http/code-body';
import { checkRequest } from '#lib/runner/program';
import { executorEvents, readBoundedJson } from '#lib/runner/remote/executor-stream';
import {
  parseError,
  Replica,
  ReplicaUnavailable,
  ReplicaUnreachable,
  toExecutorError,
} from '#lib/runner/remote/replica';
import type { RunOptions } from '#lib/runner/runner';
import { type CodeRequest, type CodeResult, codeChunkSchema, codeResultSchema } from '#lib/wire/code';
import {
  type ExecutorHealth,
  executorHealthSchema,
  type ValidateResult,
  validateResultSchema,
} from '#lib/wire/executor';

/** Allowed on top of the time of the work, for the network and a queue. */
const RESPONSE_MARGIN_MS = 15_000;
const HEALTH_TIMEOUT_MS = 3_000;
const HEALTH_TTL_MS = 2_000;
const RETRY_AFTER_SECONDS = 5;

/** A result holds stdout and stderr of the compiler and of the program. */
const OUTPUTS_OF_A_RESULT = 4;
const EVENT_OVERHEAD_BYTES = 64 * 1024;
const VALIDATE_RESPONSE_BYTES = 1024 * 1024;

/** Runs a language on remote replicas: round-robin, with failover to the next replica. */
export class RemoteExecutor {
  readonly #language: Language;
  readonly #replicas: readonly Replica[];
  readonly #settings: Config;
  #turn = 0;
  #health: { requestedAtMs: number; report: Promise<ExecutorHealth> } | undefined;

  constructor(language: Language, urls: readonly string[], settings: Config) {
    this.#language = language;
    this.#settings = settings;
    this.#replicas = urls.map((url) => new Replica(url, settings.EXECUTOR_API_KEY));
  }

  /**
   * As `Runner.run`. If a replica fails before any output, the next one runs the program again,
   * which is safe because a program has no effects outside its sandbox. Throws
   * `language_unavailable` if no replica responds, `upstream_failed` if one fails after output,
   * `upstream_timeout`, and the errors of the executor.
   */
  async run(request: CodeRequest, { signal, onStart, onOutput }: RunOptions): Promise<CodeResult> {
    const { seconds } = checkRequest(request, this.#settings);
    const body = { ...request, language: this.#language.id, timeout: seconds };
    const outputBytes = this.#settings.CODE_MAX_OUTPUT_BYTES;
    let started = false;
    return await this.#tryReplicas(maxRunMs(this.#language, seconds, this.#settings), signal, async (replica, ends) => {
      let hasOutput = false;
      const live = {
        stdout: new BoundedOutput(outputBytes, (text) => onOutput?.('stdout', text)),
        stderr: new BoundedOutput(outputBytes, (text) => onOutput?.('stderr', text)),
      };
      try {
        const stream = await replica.post('/api/v1/code/run', body, 'text/event-stream', ends);
        if (!started) onStart?.();
        started = true;
        for await (const { event, data } of executorEvents(stream, maxEventBytes(outputBytes))) {
          if (event === 'stdout' || event === 'stderr') {
            hasOutput = true;
            live[event].write(Buffer.from(codeChunkSchema.parse(JSON.parse(data)).text));
          } else if (event === 'result') return truncateResult(codeResultSchema.parse(JSON.parse(data)), outputBytes);
          else if (event === 'error') throw parseErrorEvent(data);
        }
        throw new ReplicaUnreachable('the executor ended its response without a result');
      } catch (error) {
        ends.throwIfAborted();
        if (AppError.is(error)) throw error;
        if (hasOutput)
          throw new AppError(
            'upstream_failed',
            `The executor of ${this.#language.name} went away in the middle of the run. Run the program again.`,
            { cause: error },
          );
        throw error instanceof ReplicaUnavailable
          ? error
          : new ReplicaUnreachable('the response broke off', { cause: error });
      }
    });
  }

  /** As `Runner.validate`. */
  async validate(
    request: Pick<CodeRequest, 'language' | 'code' | 'files'>,
    signal?: AbortSignal,
  ): Promise<ValidateResult> {
    checkRequest(request, this.#settings);
    const path = `/api/executors/${this.#language.id}/validate`;
    return await this.#tryReplicas(
      this.#settings.CODE_COMPILE_TIMEOUT_SECONDS * 1000,
      signal,
      async (replica, ends) => {
        const response = await replica.post(
          path,
          { code: request.code, files: request.files ?? [] },
          'application/json',
          ends,
        );
        try {
          return validateResultSchema.parse(await readBoundedJson(response, VALIDATE_RESPONSE_BYTES));
        } catch (error) {
          ends.throwIfAborted();
          throw new ReplicaUnreachable('the response broke off', { cause: error });
        }
      },
    );
  }

  /** The health of the first healthy replica, cached for a moment. Never rejects. */
  health(nowMs: number = performance.now()): Promise<ExecutorHealth> {
    if (this.#health === undefined || nowMs - this.#health.requestedAtMs > HEALTH_TTL_MS)
      this.#health = { requestedAtMs: nowMs, report: this.#requestHealth() };
    return this.#health.report;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.close()));
  }

  async #tryReplicas<T>(
    workMs: number,
    signal: AbortSignal | undefined,
    attempt: (replica: Replica, ends: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const timeout = AbortSignal.timeout(workMs + RESPONSE_MARGIN_MS);
    const ends = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    const first = this.#turn++;
    let last: AppError | undefined;
    for (const index of this.#replicas.keys()) {
      const replica = this.#replicas[(first + index) % this.#replicas.length];
      if (replica === undefined) continue;
      try {
        return await attempt(replica, ends);
      } catch (error) {
        if (signal?.aborted) throw new AppError('cancelled', 'The run was cancelled.');
        if (timeout.aborted) throw this.#timedOut(workMs);
        if (!(error instanceof ReplicaUnavailable)) throw error;
        last = error.fault ?? last;
      }
    }
    throw (
      last ?? new AppError('language_unavailable', this.#unavailableMessage, { retryAfterSeconds: RETRY_AFTER_SECONDS })
    );
  }

  async #requestHealth(): Promise<ExecutorHealth> {
    const { id } = this.#language;
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
    let unhealthy: ExecutorHealth | undefined;
    const reports = this.#replicas.map(async (replica) => {
      const health = executorHealthSchema.parse(await replica.get(`/api/executors/${id}/health`, signal));
      if (health.status === 'healthy') return health;
      unhealthy = health;
      throw new ReplicaUnavailable('the executor is not healthy');
    });
    try {
      return await Promise.any(reports);
    } catch {
      return (
        unhealthy ?? {
          status: 'unavailable',
          language: id,
          version: null,
          sandbox: 'unknown',
          notice: this.#unavailableMessage,
        }
      );
    }
  }

  get #unavailableMessage(): string {
    return `${this.#language.name} cannot be run now: its executor is not answering. Other languages are not affected. Try again in a moment.`;
  }

  #timedOut(workMs: number): AppError {
    const seconds = (workMs + RESPONSE_MARGIN_MS) / 1000;
    return new AppError(
      'upstream_timeout',
      `The executor of ${this.#language.name} gave no result within ${seconds} seconds.`,
    );
  }
}

/**
 * The longest time of a run on an idle executor: that of the compiler and of the program. Pure.
 */
export function maxRunMs(
  { compile }: Pick<Language, 'compile'>,
  seconds: number,
  { CODE_COMPILE_TIMEOUT_SECONDS }: Pick<Config, 'CODE_COMPILE_TIMEOUT_SECONDS'>,
): number {
  return (seconds + (compile === undefined ? 0 : CODE_COMPILE_TIMEOUT_SECONDS)) * 1000;
}

function parseErrorEvent(data: string): AppError {
  const body = parseError(data);
  return body === undefined
    ? new AppError('upstream_failed', 'The executor failed without saying why.')
    : toExecutorError(body);
}

/** The longest event of an executor with this bound of output. Pure. */
export function maxEventBytes(outputBytes: number): number {
  return JSON_ESCAPE_BYTES * OUTPUTS_OF_A_RESULT * outputBytes + EVENT_OVERHEAD_BYTES;
}

/** Applies this server's bound of output: an executor may have a larger one. Pure. */
export function truncateResult(result: CodeResult, outputBytes: number): CodeResult {
  const stdout = truncateToBytes(result.stdout, outputBytes);
  const stderr = truncateToBytes(result.stderr, outputBytes);
  const isCut = stdout.length < result.stdout.length || stderr.length < result.stderr.length;
  return isCut ? { ...result, stdout, stderr, truncated: true } : result;
}
