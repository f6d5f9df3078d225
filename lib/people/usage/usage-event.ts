import type { Principal } from '#lib/http/principal';

/** `passed`: sent on to a model server as it came, such as audio and images. */
export type UsageKind = 'chat' | 'embedding' | 'passed' | 'code';

/** A request that has finished, however it ended. */
export interface UsageEvent {
  /** Undefined for work that no caller asked for. */
  readonly principal: Principal | undefined;
  readonly kind: UsageKind;
  /** The model server's own name; empty for a program. */
  readonly model: string;
  /** Name of the model server that worked on it; empty if none did. */
  readonly server: string;
  readonly cached: boolean;
  readonly joined: boolean;
  /** What a model has read and written for this request alone: 0 if it was cached or has joined. */
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of its response that no model had to read or write for it. */
  readonly savedTokens: number;
  readonly generationMs: number;
  readonly queueMs: number;
  /** It goes on after a restart of the server, and is counted as a request when it ends then. */
  readonly goesOn?: boolean | undefined;
  /** Code of the error with which it failed. Undefined for a request that was cancelled. */
  readonly error?: string | undefined;
  /** Of a program. */
  readonly language?: string | undefined;
  readonly outcome?: string | undefined;
  readonly cpuMs?: number | undefined;
}

/** Learns of every finished request, in the turn in which it ends. Must not throw. */
export interface UsageListener {
  finished(event: UsageEvent): void;
  /**
   * A response from the cache. Apart from `finished`, so that a hit makes no object. `tokens` are
   * those of the response.
   */
  hit(principal: Principal | undefined, model: string, tokens: number): void;
}
