import type { LogEvent } from '#lib/chat/generation/generation-event';

/** Consecutive pieces of text of one kind, joined. */
interface TextRun {
  readonly type: 'thinking' | 'content';
  readonly text: string;
  /** The length of each piece, as the code of a character: a byte for most of them. */
  readonly lengths: string;
}

type Part = { readonly run: TextRun } | { readonly event: LogEvent };

/** Fewer pieces are not worth a run. */
const MIN_PIECES = 8;
/** The longest piece whose length is the code of a character. */
const MAX_PIECE_CHARS = 0xffff;
/** Memory of a run, without its text and lengths, and its part of the object. */
const RUN_BYTES = 300;
const MAX_ARGUMENTS = 4_096;

/**
 * The events of an ended log in a fraction of their memory: of a run of pieces, the joined text and
 * the length of each piece are kept. They have the same numbers, and are the same events.
 */
export class PackedEvents {
  readonly length: number;
  readonly #parts: readonly Part[];
  /** The part, piece and character that follow the event that was read last. */
  #part = 0;
  #piece = 0;
  #char = 0;
  #index = 0;

  private constructor(length: number, parts: readonly Part[]) {
    this.length = length;
    this.#parts = parts;
  }

  /**
   * Undefined if no run is worth it. `textOf` returns a text that equals its argument, of which
   * another copy may exist.
   */
  static of(events: readonly LogEvent[], textOf: (text: string) => string): PackedEvents | undefined {
    const parts: Part[] = [];
    let hasRun = false;
    for (let from = 0; from < events.length; ) {
      const to = endOfRun(events, from);
      if (to - from >= MIN_PIECES) {
        hasRun = true;
        parts.push({ run: toRun(events, from, to, textOf) });
      } else for (const event of events.slice(from, Math.max(to, from + 1))) parts.push({ event });
      from = Math.max(to, from + 1);
    }
    return hasRun ? new PackedEvents(events.length, parts) : undefined;
  }

  /** Bytes that the runs take instead of their events; `eventBytes` is what one event takes. */
  savedBytes(eventBytes: number): number {
    let saved = 0;
    for (const part of this.#parts) if ('run' in part) saved += (eventBytes - 1) * part.run.lengths.length - RUN_BYTES;
    return saved;
  }

  /** Takes constant time for the last event, and for each one when they are read in order. */
  at(index: number): LogEvent | undefined {
    const last = this.#parts.at(-1);
    if (index === this.length - 1 && last !== undefined && 'event' in last) return last.event;
    if (index < this.#index) this.#part = this.#piece = this.#char = this.#index = 0;
    while (this.#index < index && this.#part < this.#parts.length) this.#read();
    return this.#index === index ? this.#read() : undefined;
  }

  *[Symbol.iterator](): Generator<LogEvent> {
    for (let index = 0; index < this.length; index++) {
      const event = this.at(index);
      if (event !== undefined) yield event;
    }
  }

  #read(): LogEvent | undefined {
    const part = this.#parts[this.#part];
    if (part === undefined) return undefined;
    this.#index += 1;
    if ('event' in part) {
      this.#part += 1;
      return part.event;
    }
    const { type, text, lengths } = part.run;
    const from = this.#char;
    this.#char += lengths.charCodeAt(this.#piece);
    const piece = text.slice(from, this.#char);
    this.#piece += 1;
    if (this.#piece === lengths.length) {
      this.#part += 1;
      this.#piece = this.#char = 0;
    }
    return { type, text: piece };
  }
}

function endOfRun(events: readonly LogEvent[], from: number): number {
  const type = events[from]?.type;
  let to = from;
  for (let event = events[to]; event !== undefined && 'text' in event; event = events[to]) {
    if (event.type !== type || event.text.length > MAX_PIECE_CHARS) break;
    to += 1;
  }
  return to;
}

function toRun(events: readonly LogEvent[], from: number, to: number, textOf: (text: string) => string): TextRun {
  const texts: string[] = [];
  let type: TextRun['type'] = 'content';
  for (let at = from; at < to; at++) {
    const event = events[at];
    if (event === undefined || !('text' in event)) continue;
    type = event.type;
    texts.push(event.text);
  }
  let lengths = '';
  for (let at = 0; at < texts.length; at += MAX_ARGUMENTS)
    lengths += String.fromCharCode(...texts.slice(at, at + MAX_ARGUMENTS).map((text) => text.length));
  return { type, text: textOf(texts.join('')), lengths };
}
