import type { Config } from '#lib/config/config';
import { modelLocation } from '#lib/models/embedded/model-path';
import type { ModelEventListener, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';

/** The built-in model, wherever its process is a child of this one or of the supervisor. */
export interface EmbeddedWorker {
  /** Whether the model is in memory. */
  readonly loaded: boolean;
  /** The process id of a running model, if it is a child of this process. */
  readonly pid: number | undefined;
  /** Resolves when the model is in memory. */
  load(signal: AbortSignal): Promise<void>;
  /** As `ModelProvider.chat`. Requests run one after another, first come, first served. */
  chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void>;
  /**
   * The number of tokens of a prompt; undefined if the library fails. Does not wait for a response
   * that is generated.
   */
  countTokens(messages: readonly Message[], signal: AbortSignal): Promise<number | undefined>;
  close(): Promise<void>;
}

export type EmbeddedSettings = Pick<
  Config,
  'EMBEDDED_MODEL' | 'EMBEDDED_CONTEXT_TOKENS' | 'EMBEDDED_THREADS' | 'MODEL_CACHE_DIR'
>;

export interface ModelFile {
  /** The GGUF file. */
  path: string;
  contextTokens: number;
  /** 0 is all cores but one. */
  threads: number;
}

export function modelFileOf(settings: EmbeddedSettings): ModelFile {
  return {
    path: modelLocation(settings).path,
    contextTokens: settings.EMBEDDED_CONTEXT_TOKENS,
    threads: settings.EMBEDDED_THREADS,
  };
}
