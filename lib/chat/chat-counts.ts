import { batchStats, type ChatCounters } from '#lib/chat/chat-stats';
import type { GenerationState } from '#lib/chat/generation/generation';
import { AppError } from '#lib/errors';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { PercentileWindow } from '#lib/telemetry/percentiles';
import type { CacheHeader } from '#lib/wire/chat';
import type { BatchStats } from '#lib/wire/server-stats';

/** Counts requests by how they began and ended, and measures their generations. */
export class ChatCounts {
  /** Of the response cache, by their result. */
  readonly lookups: Record<CacheHeader, number>;
  /** Times of generations, from the request on. */
  readonly firstToken = new PercentileWindow();
  readonly total = new PercentileWindow();
  /** Requests with a model; `unresolved` counts those that got none. */
  requests = 0;
  /** Embeddings and passed-on requests, as the model servers get them. */
  tasks = 0;
  unresolved = 0;
  #completed = 0;
  #failed = 0;
  #cancelled = 0;

  constructor(lookups: Record<CacheHeader, number>) {
    this.lookups = lookups;
  }

  countEnd(state: GenerationState, count = 1): void {
    if (state === 'completed') this.#completed += count;
    else if (state === 'failed') this.#failed += count;
    else this.#cancelled += count;
  }

  /** Counts a request that gets no generation as failed, unless the request itself is at fault. */
  countRefusal(error: unknown): unknown {
    const status = AppError.is(error) ? HTTP_STATUS_BY_CODE[error.code] : 500;
    if (status >= 500) this.#failed += 1;
    return error;
  }

  batches(released: { batches: number; requests: number }): BatchStats {
    const { hit, joined } = this.lookups;
    return batchStats({ total: this.requests, cached: hit, joined }, released);
  }

  /** `tokens` are those generated so far. */
  counters(tokens: number): ChatCounters {
    const { hit, miss, joined } = this.lookups;
    return {
      requests: this.requests + this.tasks + this.unresolved,
      lookups: hit + miss + joined,
      hits: hit,
      completed: this.#completed,
      failed: this.#failed,
      cancelled: this.#cancelled,
      tokens,
    };
  }
}
