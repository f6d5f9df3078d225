import { type CacheLimits, CountedCache } from '#lib/chat/cache/counted-cache';
import type { Clock } from '#lib/chat/clock';
import { modelNameJson } from '#lib/chat/formats/model-name-json';
import {
  doneEvent,
  logprobsEvent,
  responseMessage,
  sseData,
  textEvent,
  toolCallsEvent,
} from '#lib/chat/formats/native-events';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { Durations } from '#lib/models/provider';
import type { ChatResponse, TokenUsage } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/**
 * Memory of an entry without its bodies: key, map slot, list links and objects, as measured on V8.
 */
export const ENTRY_BYTES = 700;

/** An object with three numbers. */
const DURATIONS_BYTES = 96;

const ID_PLACEHOLDER = '00000000-0000-0000-0000-000000000000';
const ZERO_TIMINGS = { queued_ms: 0, first_token_ms: 0, total_ms: 0 };

/** A whole body, in the representation that is the fastest to send. */
export type CachedBody = string | Uint8Array<ArrayBuffer>;

/**
 * A response with a ready body for JSON and for a stream. The bodies differ per request in its id.
 */
export class CachedResponse {
  readonly #json: ResponseTemplate;
  readonly #sse: ResponseTemplate;
  /** For the access log; see `cachedResponseLogFields`. */
  readonly modelJson: string;
  readonly usage: TokenUsage;
  readonly #durations: Durations | undefined;

  constructor(response: CompletedResponse) {
    this.modelJson = modelNameJson(response.model);
    this.usage = response.usage;
    this.#durations = response.durations;
    this.#json = jsonTemplate(response);
    this.#sse = sseTemplate(response);
  }

  get bytes(): number {
    const durations = this.#durations === undefined ? 0 : DURATIONS_BYTES;
    return this.#json.bytes.byteLength + this.#sse.bytes.byteLength + durations;
  }

  /** The JSON body. `id` is a UUID. */
  json(id: string): CachedBody {
    return this.#json.fill(id);
  }

  /** The whole event stream. `id` is a UUID. */
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

/** A text with a placeholder for a request's id, as bytes outside the heap. */
class ResponseTemplate {
  readonly bytes: Buffer<ArrayBuffer>;
  readonly #idAt: number;
  readonly #isAscii: boolean;

  constructor(head: string, tail: string) {
    const text = head + ID_PLACEHOLDER + tail;
    this.#idAt = Buffer.byteLength(head);
    // An own allocation: a slice of Node's shared pool would retain the whole pool.
    this.bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(text)));
    this.bytes.write(text);
    this.#isAscii = this.bytes.byteLength === text.length;
  }

  /**
   * The text with `id`. ASCII becomes a string, which is sent in one write with the headers; other
   * text would have to be decoded for that, and stays bytes.
   */
  fill(id: string): CachedBody {
    const { bytes } = this;
    const tailAt = this.#idAt + ID_PLACEHOLDER.length;
    if (this.#isAscii) return bytes.toString('latin1', 0, this.#idAt) + id + bytes.toString('latin1', tailAt);
    const copy = Buffer.allocUnsafe(bytes.byteLength);
    bytes.copy(copy);
    copy.write(id, this.#idAt, ID_PLACEHOLDER.length, 'latin1');
    return copy;
  }
}

/** Complete responses by cache key. */
export class ResponseCache {
  readonly #responses: CountedCache<CachedResponse>;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#responses = new CountedCache(limits, clock, ({ bytes }, key) => bytes + key.length + ENTRY_BYTES);
  }

  get(key: string): CachedResponse | undefined {
    return this.#responses.get(key);
  }

  /** The caller guarantees that `response` is complete. */
  set(key: string, response: CompletedResponse): void {
    this.#responses.set(key, new CachedResponse(response));
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#responses.clear();
  }

  stats(): CacheStats {
    return this.#responses.stats();
  }
}

function jsonTemplate(response: CompletedResponse): ResponseTemplate {
  const { message, ...rest } = {
    message: responseMessage(response),
    model: response.model,
    done_reason: response.done_reason,
    ...(response.logprobs === undefined ? {} : { logprobs: response.logprobs }),
    usage: response.usage,
    timings: ZERO_TIMINGS,
  } satisfies Omit<ChatResponse, 'cached' | 'request_id'>;
  return new ResponseTemplate(
    `{"message":${JSON.stringify(message)},"cached":true,"request_id":"`,
    `",${JSON.stringify(rest).slice(1)}`,
  );
}

function sseTemplate(response: CompletedResponse): ResponseTemplate {
  const { logprobs, thinking, content, tool_calls } = response;
  const events =
    (logprobs === undefined ? '' : sseData(logprobsEvent(logprobs, true))) +
    (thinking === '' ? '' : sseData(textEvent('thinking', thinking, true))) +
    (content === '' ? '' : sseData(textEvent('content', content, true))) +
    (tool_calls.length === 0 ? '' : sseData(toolCallsEvent(tool_calls, true)));
  const done = sseData(doneEvent(response, ID_PLACEHOLDER, ZERO_TIMINGS, true, undefined));
  const idAt = done.indexOf(ID_PLACEHOLDER);
  return new ResponseTemplate(events + done.slice(0, idAt), done.slice(idAt + ID_PLACEHOLDER.length));
}
