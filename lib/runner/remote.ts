import type { Config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import type { Language } from '#lib/runner/languages/language';
import { parseError, Replica, ReplicaAway, ReplicaDown } from '#lib/runner/replica';
import { checkRequest } from '#lib/runner/request';
import type { RunOptions } from '#lib/runner/runner';
import { type CodeRequest, type CodeResult, codeChunkSchema, codeResultSchema } from '#lib/wire/code';
import {
  type ExecutorHealth,
  executorHealthSchema,
  type ValidateResult,
  validateResultSchema,
} from '#lib/wire/executor';

/** Beyond what the work itself may take, for the way and a line. */
const ANSWER_MARGIN_MS = 15_000;
const HEALTH_TIMEOUT_MS = 3_000;
const HEALTH_KEPT_MS = 2_000;
const RETRY_AFTER_SECONDS = 5;

/** A language that is run by executors elsewhere. Asks them in turn, and the next where one is not there. */
export class RemoteExecutor {
  readonly #language: Language;
  readonly #replicas: readonly Replica[];
  readonly #settings: Config;
  #turn = 0;
  #health: { askedAtMs: number; answer: Promise<ExecutorHealth> } | undefined;

  constructor(language: Language, urls: readonly string[], settings: Config) {
    this.#language = language;
    this.#settings = settings;
    this.#replicas = urls.map((url) => new Replica(url, settings.EXECUTOR_API_KEY));
  }

  /**
   * As `Runner.run`. A replica that is lost before any output is replaced by the next one: a program has no effect outside of
   * its sandbox. Throws `language_unavailable` where none is there, `upstream_failed` where one broke off after output,
   * `upstream_timeout`, and what the executor itself refused.
   */
  async run(request: CodeRequest, { signal, onStart, onOutput }: RunOptions): Promise<CodeResult> {
    const { seconds } = checkRequest(request, this.#settings);
    const body = { ...request, language: this.#language.id, timeout: seconds };
    let started = false;
    return await this.#ask(runTimeMs(this.#language, seconds, this.#settings), signal, async (replica, ends) => {
      let hasOutput = false;
      try {
        const stream = await replica.post('/api/v1/code/run', body, 'text/event-stream', ends);
        if (!started) onStart?.();
        started = true;
        for await (const { event, data } of events(stream)) {
          if (event === 'stdout' || event === 'stderr') {
            hasOutput = true;
            onOutput?.(event, codeChunkSchema.parse(JSON.parse(data)).text);
          } else if (event === 'result') return codeResultSchema.parse(JSON.parse(data));
          else if (event === 'error') throw toldFault(data);
        }
        throw new ReplicaDown('the executor ended its answer without a result');
      } catch (error) {
        ends.throwIfAborted();
        if (Fault.is(error)) throw error;
        if (hasOutput)
          throw new Fault(
            'upstream_failed',
            `The executor of ${this.#language.name} went away in the middle of the run. Run the program again.`,
            { cause: error },
          );
        throw error instanceof ReplicaAway ? error : new ReplicaDown('the answer broke off', { cause: error });
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
    return await this.#ask(this.#settings.CODE_COMPILE_TIMEOUT_SECONDS * 1000, signal, async (replica, ends) => {
      const answer = await replica.post(
        path,
        { code: request.code, files: request.files ?? [] },
        'application/json',
        ends,
      );
      try {
        return validateResultSchema.parse(await answer.json());
      } catch (error) {
        ends.throwIfAborted();
        throw new ReplicaDown('the answer broke off', { cause: error });
      }
    });
  }

  /** The health of the first replica that is well, kept for a moment. Never throws. */
  health(nowMs: number = performance.now()): Promise<ExecutorHealth> {
    if (this.#health === undefined || nowMs - this.#health.askedAtMs > HEALTH_KEPT_MS)
      this.#health = { askedAtMs: nowMs, answer: this.#askHealth() };
    return this.#health.answer;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.close()));
  }

  async #ask<T>(
    workMs: number,
    signal: AbortSignal | undefined,
    attempt: (replica: Replica, ends: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const late = AbortSignal.timeout(workMs + ANSWER_MARGIN_MS);
    const ends = signal === undefined ? late : AbortSignal.any([signal, late]);
    const first = this.#turn++;
    let last: Fault | undefined;
    for (const index of this.#replicas.keys()) {
      const replica = this.#replicas[(first + index) % this.#replicas.length];
      if (replica === undefined) continue;
      try {
        return await attempt(replica, ends);
      } catch (error) {
        if (signal?.aborted) throw new Fault('cancelled', 'The run was cancelled.');
        if (late.aborted) throw this.#timedOut(workMs);
        if (!(error instanceof ReplicaAway)) throw error;
        last = error.fault ?? last;
      }
    }
    throw last ?? new Fault('language_unavailable', this.#awaySentence, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }

  async #askHealth(): Promise<ExecutorHealth> {
    const { id } = this.#language;
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
    let unwell: ExecutorHealth | undefined;
    const asked = this.#replicas.map(async (replica) => {
      const health = executorHealthSchema.parse(await replica.get(`/api/executors/${id}/health`, signal));
      if (health.status === 'healthy') return health;
      unwell = health;
      throw new ReplicaAway('the executor is not well');
    });
    try {
      return await Promise.any(asked);
    } catch {
      return (
        unwell ?? { status: 'unavailable', language: id, version: null, sandbox: 'unknown', notice: this.#awaySentence }
      );
    }
  }

  get #awaySentence(): string {
    return `${this.#language.name} cannot be run now: its executor does not answer. Other languages are not affected. Try again in a moment.`;
  }

  #timedOut(workMs: number): Fault {
    const seconds = (workMs + ANSWER_MARGIN_MS) / 1000;
    return new Fault(
      'upstream_timeout',
      `The executor of ${this.#language.name} gave no result within ${seconds} seconds.`,
    );
  }
}

/** How long a run may take at an executor that is not busy: a compiler has its own time before the program's. Pure. */
export function runTimeMs(
  { compile }: Pick<Language, 'compile'>,
  seconds: number,
  { CODE_COMPILE_TIMEOUT_SECONDS }: Pick<Config, 'CODE_COMPILE_TIMEOUT_SECONDS'>,
): number {
  return (seconds + (compile === undefined ? 0 : CODE_COMPILE_TIMEOUT_SECONDS)) * 1000;
}

function toldFault(data: string): Fault {
  const told = parseError(data);
  return told === undefined
    ? new Fault('upstream_failed', 'The executor failed without saying why.')
    : new Fault(told.code, told.error);
}

/** The events of our own streams: an `event:` and one `data:` line each; comments are left out. */
async function* events(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ event: string; data: string }> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of chunks) {
    const blocks = (pending + decoder.decode(chunk, { stream: true })).split('\n\n');
    pending = blocks.pop() ?? '';
    for (const block of blocks) {
      const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
      if (event !== undefined && data !== undefined) yield { event, data };
    }
  }
}
