import type { Config } from '#lib/config/config';
import type { ServerAddress } from '#lib/config/settings/server-addresses';
import type { AppError } from '#lib/errors';
import type { EmbedRequest, EmbedResult } from '#lib/models/embedding';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
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
import type { Completion } from '#lib/wire/completion';
import type { ModelInfo, OptionDefaults, ProviderId } from '#lib/wire/models';
import type { Passthrough } from '#lib/wire/passthrough';

/**
 * A kind of model provider. Its folder exports one, and provider-registry.ts lists it. It is all
 * that the model directory knows of a provider before it is created.
 */
export interface ProviderDefinition {
  readonly id: ProviderId;
  /** The start of a sentence: "Ollama". */
  readonly displayName: string;
  /** Whether names of models have tags, so that `llama3` means `llama3:latest`. */
  readonly hasTags: boolean;
  /** The addresses of its servers. Empty if a required setting is missing. */
  addresses(settings: Config): readonly ServerAddress[];
  /** The provider for the server at `index` of `addresses`. Opens no connection. */
  create(settings: Config, address: ServerAddress, index: number): ModelProvider;
  /** Whether the operator set the provider's address: MODEL_PROVIDER=auto then uses it. */
  isConfigured(settings: Config): boolean;
  /**
   * Whether a server responds at the default address. MODEL_PROVIDER=auto asks this if no provider
   * is configured.
   */
  probe?(settings: Config, signal: AbortSignal): Promise<boolean>;
  /** The values of options that a request leaves out, as far as they are known. */
  optionDefaults?(settings: Config): OptionDefaults;
  /** The shell command that installs a model. */
  pullCommand?(model: string): string;
  /** A notice for the page if the default model is missing. `chosen` is the substitute. */
  missingDefaultNotice?(model: string, chosen: string | undefined): string;
}

/** The interface between the chat engine and a model provider. */
export interface ModelProvider {
  readonly id: ProviderId;

  /** Set by a provider that has exactly one model. Requests for the default model get it. */
  readonly soleModel?: SoleModel;

  /**
   * Whether the model server puts the template around a prompt itself, and returns its `context`.
   * Other providers get such a prompt as a conversation of one message.
   */
  readonly templatesPrompts?: boolean;

  /**
   * Returns the wire names of the fields of `request` that have no effect on this provider. Throws
   * `unsupported_parameter` or `unsupported_value` with the fields that would change the response
   * and that the provider cannot express. Does no I/O.
   */
  checkFieldSupport?(request: ModelRequest): readonly string[];

  /**
   * Generates one response, and passes its events to `emit` in the turn in which they arrive. The
   * last event is `done`; the promise resolves after it, when the connection is free. Otherwise it
   * rejects with an `AppError`: `model_not_found`, `provider_unavailable` (unreachable),
   * `upstream_failed`, `upstream_timeout` or `upstream_truncated` (the stream ended without `done`
   * or an error). An abort of `signal` ends the work upstream at once, and rejects with the
   * signal's reason. `emit` must not throw, and is not called after the promise has settled.
   */
  chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void>;

  /**
   * The number of tokens of a prompt, as the model reads it. Undefined if the provider cannot count
   * them. Absent if it never can.
   */
  countTokens?(request: ModelRequest, signal: AbortSignal): Promise<number | undefined>;

  /** Lists the models. Throws an `AppError` if the provider is unreachable. */
  models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]>;

  /**
   * Loads `model` and keeps it loaded for the longer one of `keepAlive` and OLLAMA_KEEP_ALIVE, if
   * the provider supports that. Throws `model_load_failed` or `model_not_found`.
   */
  load(model: string, signal: AbortSignal, keepAlive?: KeepAlive): Promise<{ load_duration_ms: number }>;

  /**
   * Embeds the inputs. Absent if no model of the provider can. Throws the errors of `chat`, and
   * `unsupported_by_model_server` if the server has no embeddings.
   */
  embed?(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult>;

  /**
   * Sends a request for another endpoint of the model server as it is. Absent if there is no
   * server. An error response is returned; an unreachable server, or one that rejects this
   * server's own credentials, is thrown.
   */
  forward?(request: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse>;

  /** What only Ollama has. */
  readonly ollama?: OllamaManagement;

  /** Resolves when the provider responds, else throws an `AppError` that says what to do. */
  check(signal: AbortSignal): Promise<void>;

  /** Ends child processes and connections. Safe to call twice. */
  close(): Promise<void>;
}

/** The part of Ollama's API that is not about responses. */
export interface OllamaManagement {
  /** Entries of `GET /api/tags` by the model's name, as Ollama wrote them; empty if unknown. */
  tags(signal: AbortSignal): Promise<ReadonlyMap<string, object>>;
  /** Entries of `GET /api/ps`, as Ollama wrote them. */
  running(signal: AbortSignal): Promise<readonly object[]>;
  version(signal: AbortSignal): Promise<string>;
  /** Unloads a model at once. */
  unload(model: string, signal: AbortSignal): Promise<void>;
}

export interface SoleModel {
  readonly id: string;
  /** A notice for the page while this model is the only one. */
  readonly notice: string;
  /** The error for a request of another model. */
  notFound(requested: string): AppError;
}

/** A request as a provider gets it: the system prompt is the first message. */
export interface ModelRequest {
  model: string;
  /** Empty if there is a `completion`. */
  messages: readonly Message[];
  completion?: ModelCompletion;
  options: ModelOptions;
  think?: Think;
  /** A model that does not reason ignores `think`. */
  thinkOptional?: true;
  format?: Format;
  formatDetails?: FormatDetails;
  tools?: readonly Tool[];
  toolChoice?: ToolChoice;
  parallelToolCalls?: boolean;
  logprobs?: boolean;
  topLogprobs?: number;
  /** Fields that only OpenAI-compatible servers support, as they were sent. */
  passthrough?: Passthrough;
  /** For Ollama. Not part of the cache key: it does not change the response. */
  keepAlive?: KeepAlive;
  /** For Ollama: whether the oldest messages are left out if all of them are too long. */
  truncate?: boolean;
  /** For Ollama: whether the oldest tokens are left out where a response is too long. */
  shift?: boolean;
}

/** A completion as a provider gets it. */
export interface ModelCompletion extends Completion {
  /** The system prompt, if the prompt goes through a template. */
  readonly system?: string | undefined;
}

/** How long a model stays loaded after a request: seconds, or a Go duration. */
export type KeepAlive = number | string;

/** Durations that the model server measured, in nanoseconds. */
export interface Durations {
  load_ns?: number | undefined;
  prompt_eval_ns?: number | undefined;
  eval_ns?: number | undefined;
}

export type ModelEvent =
  | { type: 'thinking'; text: string }
  | { type: 'content'; text: string }
  /** May occur several times, each with other calls. */
  | { type: 'tool_calls'; tool_calls: ToolCall[] }
  /** For the tokens of the text or reasoning that follows, if the request asks for them. */
  | { type: 'logprobs'; logprobs: TokenLogprob[] }
  | {
      type: 'done';
      done_reason: string;
      usage: TokenUsage;
      durations?: Durations;
      /** Tokens of the conversation so far, for the next completion's `context`. */
      context?: readonly number[];
      /** The stop sequence that ended the text, where the server reports it. */
      stop_sequence?: string | undefined;
    };

/** Receives the events of one response, in their order. */
export type ModelEventListener = (event: ModelEvent) => void;

/** An event that carries text. */
export type TextEvent = Extract<ModelEvent, { text: string }>;
