import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import type { AppError } from '#lib/errors';
import type { Durations } from '#lib/models/provider';
import type { TokenLogprob, TokenUsage, ToolCall } from '#lib/wire/chat';
import type { ShareStatus } from '#lib/wire/limits';

/** The events of one response, in order. A log ends with exactly one `done` or `error`. */
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
      /** Present if the model server measured them. */
      readonly durations?: Durations | undefined;
      /** Present if the model server returned it. */
      readonly context?: readonly number[] | undefined;
      /** The stop sequence that ended the text, where the model server reports it. */
      readonly stop_sequence?: string | undefined;
    }
  | { readonly type: 'error'; readonly error: AppError };

export interface QueueStatusEvent {
  readonly type: 'status';
  readonly status: 'queued' | 'processing';
  readonly queue_position: number;
  readonly queue_length: number;
  /** Milliseconds. */
  readonly estimated_wait_time: number;
  /** The name of the model server that it waits for, if there are several. */
  readonly model_server?: string | undefined;
  /** Of the caller that the generation is for, if that is above its share. */
  readonly share?: ShareStatus | undefined;
}

/** Memory of an event without its text: object, slot and string header, as measured on V8. */
const EVENT_BYTES = 96;
/** Memory of the slot of a dropped event. */
const SLOT_BYTES = 8;
/** Memory of one token of a `context`. */
export const NUMBER_BYTES = 8;
/** A longer text is split into several events, so that the chunks for a reader stay small. */
const MAX_EVENT_CHARS = 64 * 1024;

/**
 * The append-only log of one response: events numbered from 1. Each reader has its own position in
 * it, whether it comes early, late or again; the log only knows the listeners that it calls after
 * an append.
 *
 * Only the newest status is kept: an older one is dropped when the next comes, and its number
 * stays used.
 */
export class GenerationLog {
  #events: (GenerationEvent | undefined)[] = [];
  #listeners: Set<() => void> | undefined;
  #statusNumber = 0;
  #ended = false;
  #bytes = 0;
  #textBytes = 0;

  /** The number of the newest event; 0 if the log is empty. */
  get lastNumber(): number {
    return this.#events.length;
  }

  /** Whether the last event was appended. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Approximate memory of the log. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of the texts of all events; their joined text takes as much again. */
  get textBytes(): number {
    return this.#textBytes;
  }

  /** The newest status, if any. */
  get status(): QueueStatusEvent | undefined {
    const event = this.eventAt(this.#statusNumber);
    return event?.type === 'status' ? event : undefined;
  }

  /** Undefined if `number` is not used yet, or its status was replaced. */
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
        if (event.type === 'done') this.#bytes += NUMBER_BYTES * (event.context?.length ?? 0);
        this.#ended = true;
        // Frees the spare capacity of the array.
        this.#events = this.#events.slice();
      }
    }
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener();
  }

  /**
   * Calls `listener` after every append; it must not throw. Returns the function that removes it.
   */
  listen(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => {
      this.#listeners?.delete(listener);
      if (this.#listeners?.size === 0) this.#listeners = undefined;
    };
  }

  toolCalls(): ToolCall[] {
    const all: ToolCall[] = [];
    for (const event of this.#events) if (event?.type === 'tool_calls') all.push(...event.tool_calls);
    return all;
  }

  /** Log probabilities of all tokens so far; undefined if the model sends none. */
  logprobs(): TokenLogprob[] | undefined {
    const all: TokenLogprob[] = [];
    for (const event of this.#events)
      if (event?.type === 'logprobs') for (const logprob of event.logprobs) all.push(logprob);
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

  #pushText(event: Extract<GenerationEvent, { text: string }>): void {
    const { type, text } = event;
    if (text.length <= MAX_EVENT_CHARS) this.#push(event);
    else this.#pushPieces(type, text);
    const bytes = stringBytes(text);
    this.#bytes += bytes;
    this.#textBytes += bytes;
  }

  #pushPieces(type: 'thinking' | 'content', text: string): void {
    for (let from = 0; from < text.length; ) {
      let to = from + MAX_EVENT_CHARS;
      // A surrogate pair is not split.
      if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1;
      this.#push({ type, text: text.slice(from, to) });
      from = to;
    }
  }
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code < 0xdc00;
}

/** V8 stores a string with one byte per character if all of it is Latin-1, else with two. */
function stringBytes(text: string): number {
  return isLatin1(text) ? text.length : 2 * text.length;
}

function isLatin1(text: string): boolean {
  if (text.length > MAX_SCANNED_CHARS) return !NOT_LATIN_1.test(text);
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0xff) return false;
  return true;
}

/** A loop is faster for a short text. */
const MAX_SCANNED_CHARS = 64;

const NOT_LATIN_1 = /[\u0100-\uffff]/;
