import type { GenerationEvent } from '#lib/chat/generation/generation-log';

/** Encodes the events of one response for one reader. */
export interface StreamEncoder {
  /** Sent before everything else. */
  readonly preamble: string;
  readonly heartbeat: string;
  /**
   * The encoded event; empty if this format omits it. `number` is that of the event, and for a
   * status that of the event before it.
   */
  encode(event: GenerationEvent, number: number): string;
}
