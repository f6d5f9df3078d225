import type {
  Format,
  FormatDetails,
  Message,
  ModelOptions,
  Think,
  TokenLogprob,
  TokenUsage,
  Tool,
  ToolCall,
  ToolChoice,
} from '#lib/wire/chat';
import type { ModelInfo, ProviderId } from '#lib/wire/models';
import type { Passthrough } from '#lib/wire/passthrough';

/**
 * What a model provider must do, and all that the chat pipeline knows of one. To add one, implement
 * this, and name it in `choose.ts`.
 */
export interface ModelProvider {
  readonly id: ProviderId;

  /**
   * The fields of `request` that have no effect on this provider, by their wire names. Throws
   * `unsupported_parameter` or `unsupported_value` with the fields that it cannot express although
   * they change the answer. Does no I/O.
   */
  checkFieldSupport?(request: ModelRequest): readonly string[];

  /**
   * Streams one answer. Ends normally only after a `done` event; every other end is a thrown
   * `Fault`: `model_not_found`, `provider_unavailable` (not reached), `upstream_failed`,
   * `upstream_timeout` or `upstream_truncated` (the stream ended with neither `done` nor an error).
   * When `signal` aborts, the work upstream ends at once, and the iteration ends by throwing the
   * signal's reason.
   */
  chat(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;

  /** What there is to choose from. Throws a `Fault` where the provider cannot be reached. */
  models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]>;

  /**
   * Loads `model` and keeps it for `keepAlive`, or for `OLLAMA_KEEP_ALIVE` if that is longer, where
   * the provider has such a thing. Throws `model_load_failed` or `model_not_found`.
   */
  load(model: string, signal: AbortSignal, keepAlive?: KeepAlive): Promise<{ load_duration_ms: number }>;

  /**
   * Resolves when the provider answers; throws a `Fault` whose message says what to do where it
   * does not.
   */
  check(signal: AbortSignal): Promise<void>;

  /** Ends what it runs (child processes, sockets). Safe to call twice. */
  close(): Promise<void>;
}

/** A request as a provider gets it: the system prompt is already the first message. */
export interface ModelRequest {
  model: string;
  messages: readonly Message[];
  options: ModelOptions;
  think?: Think;
  format?: Format;
  formatDetails?: FormatDetails;
  tools?: readonly Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  logprobs?: boolean;
  topLogprobs?: number;
  /** What only an OpenAI-compatible server knows, as it was sent. */
  passthrough?: Passthrough;
  /** For Ollama. It does not change the response, and is not part of the cache key. */
  keepAlive?: KeepAlive;
}

/** How long a model stays loaded afterwards: seconds, or a Go duration. */
export type KeepAlive = number | string;

/** What a model server itself measured, in nanoseconds. A part that it did not send is missing. */
export interface Durations {
  load_ns?: number | undefined;
  prompt_eval_ns?: number | undefined;
  eval_ns?: number | undefined;
}

export type ModelEvent =
  | { type: 'thinking'; text: string }
  | { type: 'content'; text: string }
  /** What the model asks for; may come several times, each with calls of its own. */
  | { type: 'tool_calls'; tool_calls: ToolCall[] }
  /**
   * Of the tokens of the text that comes next, or of the reasoning; where the request asks for
   * them.
   */
  | { type: 'logprobs'; logprobs: TokenLogprob[] }
  | { type: 'done'; done_reason: string; usage: TokenUsage; durations?: Durations };
