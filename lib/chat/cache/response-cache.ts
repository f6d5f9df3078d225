import { LRUCache } from 'lru-cache';
import type { Clock } from '#lib/chat/clock';
import {
  type CompletedResponse,
  doneEvent,
  logprobsEvent,
  responseMessage,
  sseData,
  textEvent,
  toolCallsEvent,
} from '#lib/chat/formats/native-events';
import { modelNameJson } from '#lib/chat/http/access-log-fields';
import type { Durations } from '#lib/models/provider';
import type { ChatResponse, TokenUsage } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** What an entry costs beside its bytes: key string, list links, map slot, objects and the buffer's header, as measured on V8. */
export const ENTRY_BYTES = 700;

/** An object with three numbers. */
const DURATIONS_BYTES = 96;

const ID_PLACEHOLDER = '00000000-0000-0000-0000-000000000000';
const ZERO_TIMINGS = { queued_ms: 0, first_token_ms: 0, total_ms: 0 };
const BYTES_PER_MB = 1024 * 1024;

/** A whole body, in the form that is the quickest to send. */
export type CachedBody = string | Uint8Array<ArrayBuffer>;

/** A kept answer in the two forms in which it is given again. A form differs from reply to reply in the request's id only. */
export class CachedResponse {
  readonly #json: ResponseTemplate;
  readonly #sse: ResponseTemplate;
  /** For the log; see `cachedResponseLogFields`. */
  readonly modelJson: string;
  readonly usage: TokenUsage;
  readonly #durations: Durations | undefined;

  constructor(answer: CompletedResponse) {
    this.#durations = answer.durations;
    const [jsonHead, jsonTail] = jsonAround(answer);
    this.#json = new ResponseTemplate(jsonHead, jsonTail);
    const done = sseData(doneEvent(answer, ID_PLACEHOLDER, ZERO_TIMINGS, true, undefined));
    const text =
      (answer.logprobs === undefined ? '' : sseData(logprobsEvent(answer.logprobs, true))) +
      (answer.thinking === '' ? '' : sseData(textEvent('thinking', answer.thinking, true))) +
      (answer.content === '' ? '' : sseData(textEvent('content', answer.content, true))) +
      (answer.tool_calls.length === 0 ? '' : sseData(toolCallsEvent(answer.tool_calls, true)));
    this.modelJson = modelNameJson(answer.model);
    this.usage = answer.usage;
    const idAt = done.indexOf(ID_PLACEHOLDER);
    this.#sse = new ResponseTemplate(text + done.slice(0, idAt), done.slice(idAt + ID_PLACEHOLDER.length));
  }

  get bytes(): number {
    const durations = this.#durations === undefined ? 0 : DURATIONS_BYTES;
    return this.#json.bytes.byteLength + this.#sse.bytes.byteLength + durations;
  }

  /** The body of a reply that is not streamed. `id` is a UUID. */
  json(id: string): CachedBody {
    return this.#json.fill(id);
  }

  /** The whole of an event stream. `id` is a UUID. */
  sse(id: string): CachedBody {
    return this.#sse.fill(id);
  }

  toResponse(): CompletedResponse {
    const { message, model, done_reason, usage, logprobs }: ChatResponse = JSON.parse(this.#json.bytes.toString());
    const { content, thinking = '', tool_calls = [] } = message;
    return {
      content,
      thinking,
      tool_calls,
      model,
      done_reason,
      usage,
      durations: this.#durations,
      ...(logprobs === undefined ? {} : { logprobs }),
    };
  }
}

/** A text with a place for a request's id, kept as bytes beside the heap. */
class ResponseTemplate {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly #idAt: number;
  readonly #isAscii: boolean;

  constructor(head: string, tail: string) {
    const text = head + ID_PLACEHOLDER + tail;
    this.#idAt = Buffer.byteLength(head);
    // Exactly as large as it is: not a slice of a pool that it would keep.
    this.bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(text)));
    this.bytes.write(text);
    this.#isAscii = this.bytes.byteLength === text.length;
  }

  /** A string goes out in one write with the headers, bytes in a second one; but only ASCII is made into one by mere copying. */
  fill(id: string): CachedBody {
    const { bytes } = this;
    if (this.#isAscii)
      return (
        bytes.toString('latin1', 0, this.#idAt) + id + bytes.toString('latin1', this.#idAt + ID_PLACEHOLDER.length)
      );
    const copy = Buffer.allocUnsafe(bytes.byteLength);
    bytes.copy(copy);
    copy.write(id, this.#idAt, ID_PLACEHOLDER.length, 'latin1');
    return copy;
  }
}

export interface CacheLimits {
  maxBytes: number;
  ttlMs: number;
}

/** Complete answers by cache key: least recently used go first, none is older than its TTL, and keys and values together never hold more than `maxBytes`. */
export class ResponseCache {
  readonly #kept: LRUCache<string, CachedResponse>;
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

  get(key: string): CachedResponse | undefined {
    const answer = this.#kept.get(key);
    if (answer === undefined) this.#misses += 1;
    else this.#hits += 1;
    return answer;
  }

  /** The caller vouches that `answer` is complete. */
  set(key: string, answer: CompletedResponse): void {
    this.#kept.set(key, new CachedResponse(answer));
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

/** A `ChatResponse`, cut where the request's id goes. */
function jsonAround(answer: CompletedResponse): [head: string, tail: string] {
  const { message, ...rest } = {
    message: responseMessage(answer),
    model: answer.model,
    done_reason: answer.done_reason,
    ...(answer.logprobs === undefined ? {} : { logprobs: answer.logprobs }),
    usage: answer.usage,
    timings: ZERO_TIMINGS,
  } satisfies Omit<ChatResponse, 'cached' | 'request_id'>;
  return [`{"message":${JSON.stringify(message)},"cached":true,"request_id":"`, `",${JSON.stringify(rest).slice(1)}`];
}
