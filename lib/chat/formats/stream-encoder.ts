import type { GenerationEvent } from '#lib/chat/generation/generation-log';

/** Encodes the events of one response for one reader. */
export interface StreamEncoder {
  /** Sent before everything else. */
  readonly preamble: string;
  readonly heartbeat: string;
  /** The encoded event; empty if this format omits it. */
  encode(event: GenerationEvent, number: number): string;
}
