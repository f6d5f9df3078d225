import type { RunnableTask } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import type { UsageRecorder } from '#lib/people/usage/usage-recorder';
import type { CacheHeader } from '#lib/wire/chat';

/**
 * Measures one embedding request, and records its usage once: when the request has ended, and the
 * work that model servers do for it, which may go on without its client.
 */
export class EmbeddingMeter {
  readonly #principal: Principal | undefined;
  readonly #model: string;
  readonly #usage: UsageRecorder;
  readonly #running: Promise<void>[] = [];
  #server = '';
  #promptTokens = 0;
  #generationMs = 0;
  #queueMs = 0;

  constructor(principal: Principal | undefined, model: string, usage: UsageRecorder) {
    this.#principal = principal;
    this.#model = model;
    this.#usage = usage;
  }

  /** Its batches: a promise that never rejects. */
  waitFor(batches: Promise<void>): void {
    this.#running.push(batches);
  }

  /** A batch of it has ended. Batches run side by side, so the longest wait counts. */
  readonly taskDone = ({ server, createdAt, startedAt, finishedAt }: RunnableTask): void => {
    this.#server = server?.name ?? this.#server;
    const endedAt = finishedAt ?? createdAt;
    this.#queueMs = Math.max(this.#queueMs, (startedAt ?? endedAt) - createdAt);
    if (startedAt !== undefined) this.#generationMs += Math.max(0, endedAt - startedAt);
  };

  /** A batch of it was embedded. */
  tokensRead(tokens: number): void {
    this.#promptTokens += tokens;
  }

  /** `promptTokens` are those of the response, cached inputs included. */
  completed(cacheStatus: CacheHeader, promptTokens: number): void {
    this.#record(cacheStatus, promptTokens, undefined);
  }

  failed(error: unknown, hasLeft: boolean): void {
    const isCancelled = hasLeft || (AppError.is(error) && error.code === 'cancelled');
    const code = AppError.is(error) ? error.code : 'internal_error';
    this.#record('miss', undefined, isCancelled ? undefined : code);
  }

  #record(cacheStatus: CacheHeader, responseTokens: number | undefined, error: string | undefined): void {
    void Promise.all(this.#running).then(() =>
      this.#usage.record({
        principal: this.#principal,
        kind: 'embedding',
        model: this.#model,
        server: this.#server,
        cached: cacheStatus === 'hit',
        joined: cacheStatus === 'joined',
        promptTokens: this.#promptTokens,
        completionTokens: 0,
        savedTokens: Math.max(0, (responseTokens ?? 0) - this.#promptTokens),
        generationMs: this.#generationMs,
        queueMs: this.#queueMs,
        error,
      }),
    );
  }
}
