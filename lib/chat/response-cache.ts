import { LRUCache } from 'lru-cache';
import { answerMessage, chatDone, chatText, chatToolCalls, dataLine, type FinishedAnswer } from '#lib/chat/chat-events';
import type { Clock } from '#lib/chat/clock';
import type { ChatAnswer } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/stats';

/** What an entry costs beside its bytes: key string, list links, map slot, objects and the buffer's header, as measured on V8. */
export const ENTRY_BYTES = 640;

const ID_PLACE = '00000000-0000-0000-0000-000000000000';
const NOTHING_MS = { queued_ms: 0, first_token_ms: 0, total_ms: 0 };
const BYTES_PER_MB = 1024 * 1024;

/**
 * A kept answer in the two forms in which it is given again. A form differs from reply to reply in the request's id only,
 * so that a reply is one copy of its bytes with the id written in.
 */
export class KeptAnswer {
  readonly #json: Uint8Array<ArrayBuffer>;
  readonly #jsonIdAt: number;
  readonly #sse: Uint8Array<ArrayBuffer>;
  readonly #sseIdAt: number;

  constructor(answer: FinishedAnswer) {
    const [jsonHead, jsonTail] = jsonAround(answer);
    const json = jsonHead + ID_PLACE + jsonTail;
    const done = dataLine(chatDone(answer, ID_PLACE, NOTHING_MS, true, undefined));
    const text =
      (answer.thinking === '' ? '' : dataLine(chatText('thinking', answer.thinking, true))) +
      (answer.content === '' ? '' : dataLine(chatText('content', answer.content, true))) +
      (answer.tool_calls.length === 0 ? '' : dataLine(chatToolCalls(answer.tool_calls, true)));
    this.#jsonIdAt = Buffer.byteLength(jsonHead);
    this.#sseIdAt = Buffer.byteLength(text) + done.indexOf(ID_PLACE);
    const jsonBytes = Buffer.byteLength(json);
    const bytes = Buffer.from(new ArrayBuffer(jsonBytes + Buffer.byteLength(text) + Buffer.byteLength(done)));
    bytes.write(json, 0);
    const textBytes = bytes.write(text, jsonBytes);
    bytes.write(done, jsonBytes + textBytes);
    this.#json = bytes.subarray(0, jsonBytes);
    this.#sse = bytes.subarray(jsonBytes);
  }

  get bytes(): number {
    return this.#json.byteLength + this.#sse.byteLength;
  }

  /** The body of a reply that is not streamed. `id` is a UUID. */
  json(id: string): Uint8Array<ArrayBuffer> {
    return withId(this.#json, this.#jsonIdAt, id);
  }

  /** The whole of an event stream. `id` is a UUID. */
  sse(id: string): Uint8Array<ArrayBuffer> {
    return withId(this.#sse, this.#sseIdAt, id);
  }

  answer(): FinishedAnswer {
    const { message, model, done_reason, usage }: ChatAnswer = JSON.parse(Buffer.from(this.#json).toString());
    const { content, thinking = '', tool_calls = [] } = message;
    return { content, thinking, tool_calls, model, done_reason, usage };
  }
}

export interface CacheLimits {
  maxBytes: number;
  ttlMs: number;
}

/** Complete answers by cache key: least recently used go first, none is older than its TTL, and keys and values together never hold more than `maxBytes`. */
export class ResponseCache {
  readonly #kept: LRUCache<string, KeptAnswer>;
  readonly #maxBytes: number;
  #hits = 0;
  #misses = 0;
  #evictions = 0;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#maxBytes = limits.maxBytes;
    this.#kept = new LRUCache({
      maxSize: limits.maxBytes,
      sizeCalculation: (answer, key) => answer.bytes + key.length + ENTRY_BYTES,
      ttl: limits.ttlMs,
      ttlResolution: 0,
      perf: clock,
      dispose: (_answer, _key, reason) => {
        if (reason === 'evict') this.#evictions += 1;
      },
    });
  }

  get(key: string): KeptAnswer | undefined {
    const answer = this.#kept.get(key);
    if (answer === undefined) this.#misses += 1;
    else this.#hits += 1;
    return answer;
  }

  /** The caller vouches that `answer` is complete. */
  set(key: string, answer: FinishedAnswer): void {
    this.#kept.set(key, new KeptAnswer(answer));
  }

  /** How many went. */
  clear(): number {
    this.#kept.purgeStale();
    const entries = this.#kept.size;
    this.#kept.clear();
    return entries;
  }

  stats(): CacheStats {
    this.#kept.purgeStale();
    return cacheStats(this.#kept, this.#maxBytes, {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    });
  }
}

export function cacheStats(
  cache: { readonly size: number; readonly calculatedSize: number },
  maxBytes: number,
  counts: { hits: number; misses: number; evictions: number },
): CacheStats {
  const lookups = counts.hits + counts.misses;
  return {
    total_entries: cache.size,
    total_size_mb: round(cache.calculatedSize / BYTES_PER_MB, 4),
    hit_rate: lookups === 0 ? 0 : round(counts.hits / lookups, 4),
    miss_rate: lookups === 0 ? 0 : round(counts.misses / lookups, 4),
    memory_usage_percent: round((100 * cache.calculatedSize) / maxBytes, 2),
    ...counts,
  };
}

function round(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

/** A `ChatAnswer`, cut where the request's id goes. */
function jsonAround(answer: FinishedAnswer): [head: string, tail: string] {
  const { message, ...rest } = {
    message: answerMessage(answer),
    model: answer.model,
    done_reason: answer.done_reason,
    usage: answer.usage,
    timings: NOTHING_MS,
  } satisfies Omit<ChatAnswer, 'cached' | 'request_id'>;
  return [`{"message":${JSON.stringify(message)},"cached":true,"request_id":"`, `",${JSON.stringify(rest).slice(1)}`];
}

function withId(template: Uint8Array, at: number, id: string): Uint8Array<ArrayBuffer> {
  const bytes = Buffer.allocUnsafe(template.byteLength);
  bytes.set(template);
  bytes.write(id, at, ID_PLACE.length, 'latin1');
  return bytes;
}
