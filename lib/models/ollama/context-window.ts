import { LRUCache } from 'lru-cache';
import type { KeepAlive, ModelRequest } from '#lib/models/provider';
import type { TokenUsage } from '#lib/wire/chat';
import { durationMs } from '#lib/wire/keep-alive';

/**
 * Chooses `num_ctx` for requests that name none. Ollama drops the oldest messages without a word
 * when a conversation is longer than its context, and its default context is short.
 */

/** Ollama's default, unless the model or OLLAMA_CONTEXT_LENGTH sets another one. */
export const DEFAULT_CONTEXT_TOKENS = 4_096;
/** Room for the response, unless the request limits it. */
const RESPONSE_TOKENS = 2_048;
/** Text that has more bytes per token is rare in any language. */
const MOST_BYTES_PER_TOKEN = 5;
const LEAST_BYTES_PER_TOKEN = 3;
/** A template's marks around each message. */
const MESSAGE_TOKENS = 8;
/** The most that usual vision models spend on one image. */
const IMAGE_TOKENS = 1_600;
const MAX_REMEMBERED_MODELS = 500;

/** Bounds of a prompt's length in tokens, from its bytes. */
export interface PromptEstimate {
  atLeast: number;
  atMost: number;
}

export function estimatePrompt({ messages, completion, tools, format }: ModelRequest): PromptEstimate {
  let bytes = 0;
  let images = completion?.images?.length ?? 0;
  for (const text of [completion?.prompt, completion?.suffix, completion?.system])
    if (typeof text === 'string') bytes += Buffer.byteLength(text);
  const known = completion?.context?.length ?? 0;
  for (const { content, tool_calls, images: attached } of messages) {
    bytes += Buffer.byteLength(content);
    if (tool_calls !== undefined) bytes += JSON.stringify(tool_calls).length;
    images += attached?.length ?? 0;
  }
  const textBytes = bytes;
  if (tools !== undefined) bytes += JSON.stringify(tools).length;
  if (format !== undefined && format !== 'json') bytes += JSON.stringify(format).length;
  return {
    atLeast: known + Math.floor(textBytes / MOST_BYTES_PER_TOKEN),
    atMost:
      known +
      Math.ceil(bytes / LEAST_BYTES_PER_TOKEN) +
      (messages.length + (completion === undefined ? 0 : 1)) * MESSAGE_TOKENS +
      images * IMAGE_TOKENS,
  };
}

/** Tokens that a request needs: its prompt, and room for the response. */
export function neededTokens(request: ModelRequest, { atMost }: PromptEstimate): number {
  const limit = request.options.num_predict;
  return atMost + (typeof limit === 'number' && limit > 0 ? Math.min(limit, RESPONSE_TOKENS * 2) : RESPONSE_TOKENS);
}

/** The next power of two, so that a growing conversation makes Ollama load its model rarely. */
export function contextStep(tokens: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(tokens, DEFAULT_CONTEXT_TOKENS)));
}

/**
 * Whether the model read less than the whole conversation: the server reported fewer tokens than
 * the messages have, or the response did not fit and the oldest tokens were dropped for it.
 */
export function isPromptTruncated(usage: TokenUsage, contextTokens: number, { atLeast, atMost }: PromptEstimate) {
  const { prompt_tokens: read, completion_tokens: written } = usage;
  if (atLeast > contextTokens || read + written > contextTokens) return true;
  return atMost > contextTokens && (read >= contextTokens - 1 || read < atLeast);
}

/** What is known of a model's context. */
export interface ModelContext {
  /** The longest one that the model has; undefined if it is not known. */
  limit: number | undefined;
  /** The one that Ollama uses without `num_ctx`, as far as the model says. */
  usual: number;
  /** The one that the model is loaded with now; undefined if it is not loaded. */
  loaded: number | undefined;
}

export interface ChosenContext {
  /** The `num_ctx` of the request; undefined leaves it to Ollama. */
  sent: number | undefined;
  /** The context that the model runs with; undefined if it is not known. */
  effective: number | undefined;
}

interface LoadedContext {
  tokens: number;
  until: number;
}

/**
 * The contexts that were chosen. A model keeps its longest one while it is loaded: a shorter one
 * for the next request would make Ollama load it again. So all requests of one model without a
 * `num_ctx` can be in one batch.
 */
export class ContextWindows {
  readonly #maxTokens: number;
  readonly #now: () => number;
  readonly #chosen = new LRUCache<string, LoadedContext>({ max: MAX_REMEMBERED_MODELS });

  /** @param maxTokens OLLAMA_MAX_CONTEXT_TOKENS; 0 chooses none. */
  constructor(maxTokens: number, now: () => number = Date.now) {
    this.#maxTokens = maxTokens;
    this.#now = now;
  }

  /** The longest context that a conversation with the model can get. Null if it is not known. */
  usable(limit: number | null, usual: number | undefined): number | null {
    if (this.#maxTokens === 0) return usual ?? null;
    return Math.max(Math.min(limit ?? this.#maxTokens, this.#maxTokens), usual ?? 0);
  }

  /** `read` is called only if the request may not fit. */
  async choose(
    model: string,
    needed: number,
    keepAlive: KeepAlive,
    read: () => Promise<ModelContext>,
  ): Promise<ChosenContext> {
    if (this.#maxTokens === 0) return { sent: undefined, effective: undefined };
    const held = this.held(model);
    if (needed <= (held ?? DEFAULT_CONTEXT_TOKENS)) return this.#send(model, held, keepAlive);
    const { limit, usual, loaded = 0 } = await read();
    const tokens = Math.min(contextStep(needed), limit ?? this.#maxTokens, this.#maxTokens);
    // Another request may have chosen one meanwhile.
    const current = Math.max(this.held(model) ?? 0, loaded);
    if (current > 0 && (needed <= current || tokens <= current)) return this.#send(model, current, keepAlive);
    if (tokens <= usual) return { sent: undefined, effective: usual };
    return this.#send(model, tokens, keepAlive);
  }

  /** The context that the model keeps while it is loaded; undefined if none was chosen. */
  held(model: string): number | undefined {
    const held = this.#chosen.get(model);
    return held === undefined || held.until < this.#now() ? undefined : held.tokens;
  }

  #send(model: string, tokens: number | undefined, keepAlive: KeepAlive): ChosenContext {
    if (tokens !== undefined) this.#chosen.set(model, { tokens, until: this.#now() + (durationMs(keepAlive) ?? 0) });
    return { sent: tokens, effective: tokens };
  }
}
