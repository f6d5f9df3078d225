import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import type { AppError } from '#lib/errors';
import type { Durations } from '#lib/models/provider';
import type { TokenLogprob, TokenUsage, ToolCall } from '#lib/wire/chat';

/** What happens to one answer, in order. A log ends with exactly one `done` or `error`. */
export type GenerationEvent =
  | QueueStatusEvent
  | { readonly type: 'thinking'; readonly text: string }
  | { readonly type: 'content'; readonly text: string }
  | { readonly type: 'tool_calls'; readonly tool_calls: ToolCall[] }
  | { readonly type: 'logprobs'; readonly logprobs: TokenLogprob[] }
  | {
      readonly type: 'done';
      readonly done_reason: string;
      readonly usage: TokenUsage;
      /** What the model server measured, where it did. */
      readonly durations?: Durations | undefined;
    }
  | { readonly type: 'error'; readonly error: AppError };

export interface QueueStatusEvent {
  readonly type: 'status';
  readonly status: 'queued' | 'processing';
  readonly queue_position: number;
  readonly queue_length: number;
  /** Milliseconds. */
  readonly estimated_wait_time: number;
}

/** What an event costs beside its text: the object, its slot and the string's header, as measured on V8. */
const EVENT_BYTES = 96;
/** What the place of an event costs that was dropped. */
const SLOT_BYTES = 8;
/**
 * A longer text becomes several events, so that what is written for one reader at a time stays
 * small.
 */
const MAX_EVENT_CHARS = 64 * 1024;

/**
 * The append-only log of one answer: events numbered from 1. Everyone who wants the answer reads here, each with a number
 * of its own, whether it comes early, late or again; the log knows nothing of them but whom to call after an append.
 *
 * A status is only worth reading while it is the newest one: an older one is dropped when the next comes, its number stays
 * used. Everything else stays as it is.
 */
export class GenerationLog {
  #events: (GenerationEvent | undefined)[] = [];
  #listeners: Set<() => void> | undefined;
  #statusNumber = 0;
  #ended = false;
  #bytes = 0;
  #textBytes = 0;

  /** The number of the newest event; 0 while there is none. */
  get lastNumber(): number {
    return this.#events.length;
  }

  /** Whether the newest event is the last there will be. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Roughly what the log holds in memory. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What the texts of all events take: as much again as soon as they are joined. */
  get textBytes(): number {
    return this.#textBytes;
  }

  /** The newest status, where there is one. */
  get status(): QueueStatusEvent | undefined {
    const event = this.eventAt(this.#statusNumber);
    return event?.type === 'status' ? event : undefined;
  }

  /** Undefined where `number` is not used yet, or its status has been replaced. */
  eventAt(number: number): GenerationEvent | undefined {
    return this.#events[number - 1];
  }

  append(event: GenerationEvent): void {
    if (this.#ended) throw new Error('the log has ended');
    if (event.type === 'thinking' || event.type === 'content') this.#pushText(event);
    else {
      this.#push(event);
      if (event.type === 'status') {
        if (this.#statusNumber > 0) {
          this.#events[this.#statusNumber - 1] = undefined;
          this.#bytes -= EVENT_BYTES - SLOT_BYTES;
        }
        this.#statusNumber = this.#events.length;
      } else if (event.type === 'tool_calls') this.#bytes += estimateValueBytes(event.tool_calls);
      else if (event.type === 'logprobs') this.#bytes += estimateValueBytes(event.logprobs);
      else {
        this.#ended = true;
        // As long as it is, and not as long as it could have become.
        this.#events = this.#events.slice();
      }
    }
    for (const listener of this.#listeners ?? []) listener();
  }

  /** `listener` is called after every append, and must not throw. Returns what ends that. */
  listen(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => {
      this.#listeners?.delete(listener);
      if (this.#listeners?.size === 0) this.#listeners = undefined;
    };
  }

  /** All tool calls so far. */
  toolCalls(): ToolCall[] {
    return this.#events.flatMap((event) => (event?.type === 'tool_calls' ? event.tool_calls : []));
  }

  /** Those of all tokens so far; undefined where there are none. */
  logprobs(): TokenLogprob[] | undefined {
    const all = this.#events.flatMap((event) => (event?.type === 'logprobs' ? event.logprobs : []));
    return all.length === 0 ? undefined : all;
  }

  /** The whole text so far. */
  text(type: 'thinking' | 'content'): string {
    let text = '';
    for (const event of this.#events) if (event?.type === type) text += event.text;
    return text;
  }

  #push(event: GenerationEvent): void {
    this.#events.push(event);
    this.#bytes += EVENT_BYTES;
  }

  #pushText({ type, text }: Extract<GenerationEvent, { text: string }>): void {
    for (let from = 0; from < text.length; ) {
      let to = from + MAX_EVENT_CHARS;
      // The two halves of one character stay together.
      if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1;
      this.#push({ type, text: text.length <= MAX_EVENT_CHARS ? text : text.slice(from, to) });
      from = to;
    }
    const bytes = stringBytes(text);
    this.#bytes += bytes;
    this.#textBytes += bytes;
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** V8 keeps a string in one byte a character where all of it is Latin-1, else in two. */
function stringBytes(text: string): number {
  return NOT_LATIN_1.test(text) ? 2 * text.length : text.length;
}

const NOT_LATIN_1 = /[\u0100-\uffff]/;
