import { type CacheLimits, CountedCache } from '#lib/chat/cache/counted-cache';
import type { Clock } from '#lib/chat/clock';
import { modelNameJson } from '#lib/chat/formats/model-name-json';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { NUMBER_BYTES } from '#lib/chat/generation/generation-log';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { TokenUsage, ToolCall } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';
import { BodyTemplate, type CachedBody, JsonText, PLACEHOLDERS } from './body-template.ts';

/**
 * Memory of an entry without its texts: key, map slot, list links, objects, and the template that
 * was used last; as measured on V8.
 */
export const ENTRY_BYTES = 1_900;

/** One list for nearly all responses. */
const NO_TOOL_CALLS: ToolCall[] = [];
const ZERO_TIMINGS = { queued_ms: 0, first_token_ms: 0, total_ms: 0 };

/** An API's body for a response. One object per body, by which its template is kept. */
export interface BodyFormat {
  render(request: RequestView, response: CompletedResponse): string;
  /** Present if the body depends on its request: the template is then kept here. */
  readonly ownTemplate?: OwnTemplate;
}

/** Keeps the template of a format that belongs to one request, and so to one response at a time. */
export class OwnTemplate {
  #response: WeakRef<CachedResponse> | undefined;
  #template: BodyTemplate | undefined;

  get(response: CachedResponse): BodyTemplate | undefined {
    return this.#response?.deref() === response ? this.#template : undefined;
  }

  set(response: CachedResponse, template: BodyTemplate): void {
    this.#response = new WeakRef(response);
    this.#template = template;
  }
}

/**
 * A complete response. Its texts are kept once, already escaped for JSON; a body of any API is made
 * from a template around them. Bodies differ per request in its id.
 */
export class CachedResponse {
  /** For the access log; see `cachedResponseLogFields`. */
  readonly modelJson: string;
  readonly #content: JsonText;
  readonly #thinking: JsonText;
  /** The response with placeholders for its texts. */
  readonly #rest: CompletedResponse;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Of the format that was used last: most responses are read through one API. */
  #template: { format: BodyFormat; template: BodyTemplate } | undefined;

  /** `now`: milliseconds since the epoch. */
  constructor(response: CompletedResponse, now: number) {
    this.modelJson = modelNameJson(response.model);
    this.#content = JsonText.of(response.content);
    this.#thinking = JsonText.of(response.thinking);
    this.createdAt = now;
    this.#rest = {
      ...response,
      content: response.content === '' ? '' : PLACEHOLDERS.content,
      thinking: response.thinking === '' ? '' : PLACEHOLDERS.thinking,
      tool_calls: response.tool_calls.length === 0 ? NO_TOOL_CALLS : response.tool_calls,
    };
  }

  get model(): string {
    return this.#rest.model;
  }

  get usage(): TokenUsage {
    return this.#rest.usage;
  }

  get bytes(): number {
    const { tool_calls, logprobs, context = [] } = this.#rest;
    // Tool calls are in the template, too.
    const others = 2 * estimateValueBytes(tool_calls) + (logprobs === undefined ? 0 : estimateValueBytes(logprobs));
    return this.#content.byteLength + this.#thinking.byteLength + others + NUMBER_BYTES * context.length;
  }

  /** The whole body for the request with this id, which is a UUID. */
  body(format: BodyFormat, id: string): CachedBody {
    return this.#templateOf(format).fill({ id, content: this.#content, thinking: this.#thinking });
  }

  toResponse(): CompletedResponse {
    return { ...this.#rest, content: this.#content.toString(), thinking: this.#thinking.toString() };
  }

  #templateOf(format: BodyFormat): BodyTemplate {
    const { ownTemplate } = format;
    const kept = ownTemplate?.get(this) ?? (this.#template?.format === format ? this.#template.template : undefined);
    if (kept !== undefined) return kept;
    const { id } = PLACEHOLDERS;
    const view: RequestView = {
      id,
      generationId: id,
      createdAt: this.createdAt,
      model: this.#rest.model,
      cached: true,
      conversation: undefined,
      timings: () => ZERO_TIMINGS,
    };
    const template = new BodyTemplate(format.render(view, this.#rest));
    // Log probabilities and a context may be much larger than their text, and would be kept twice.
    if (this.#rest.logprobs !== undefined || this.#rest.context !== undefined) return template;
    if (ownTemplate !== undefined) ownTemplate.set(this, template);
    else this.#template = { format, template };
    return template;
  }
}

/** Complete responses by cache key. */
export class ResponseCache {
  readonly #responses: CountedCache<CachedResponse>;
  readonly #clock: Clock;

  constructor(limits: CacheLimits, clock: Clock) {
    this.#clock = clock;
    this.#responses = new CountedCache(limits, clock, ({ bytes }, key) => bytes + key.length + ENTRY_BYTES);
  }

  /** Whether `get` would return a response. Not counted as a look-up. */
  has(key: string): boolean {
    return this.#responses.has(key);
  }

  /** Whether there is a response that was stored more than `ms` ago. Not counted as a look-up. */
  isOlder(key: string, ms: number): boolean {
    const cached = this.#responses.peek(key);
    return cached !== undefined && this.#clock.now() - cached.createdAt > ms;
  }

  get(key: string): CachedResponse | undefined {
    return this.#responses.get(key);
  }

  /** The caller guarantees that `response` is complete. Returns the entry. */
  set(key: string, response: CompletedResponse): CachedResponse {
    const cached = new CachedResponse(response, this.#clock.now());
    this.#responses.set(key, cached);
    return cached;
  }

  /** Puts a response back that was stored before. */
  restore(key: string, cached: CachedResponse): void {
    this.#responses.restore(key, cached, cached.createdAt);
  }

  delete(key: string): void {
    this.#responses.delete(key);
  }

  /** Returns how many entries were removed. */
  clear(): number {
    return this.#responses.clear();
  }

  stats(): CacheStats {
    return this.#responses.stats();
  }
}
