import type { LogEvent, QueueStatusEvent } from '#lib/chat/generation/generation-event';
import { PackedEvents } from '#lib/chat/generation/packed-events';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import type { TokenLogprob, ToolCall } from '#lib/wire/chat';

export type { GenerationEvent, LogEvent, QueueStatusEvent } from '#lib/chat/generation/generation-event';

/** Memory of an event without its text: object, slot and string header, as measured on V8. */
const EVENT_BYTES = 96;
/** Memory of one token of a `context`. */
export const NUMBER_BYTES = 8;
/** A longer text is split into several events, so that the chunks for a reader stay small. */
const MAX_EVENT_CHARS = 64 * 1024;

/**
 * The append-only log of one response: events numbered from 1. Each reader has its own position in
 * it, whether it comes early, late or again; the log only knows the listeners that it calls after
 * an append.
 *
 * The status of the request is a slot next to the log, which holds the newest one until the log
 * ends. The numbers of events therefore do not depend on who watches the queue. An ended log
 * without listeners is packed: it may be retained for minutes.
 */
export class GenerationLog {
  #events: LogEvent[] | PackedEvents = [];
  /** The texts that were returned by `text`, until the log is packed. */
  #joined: string[] | undefined;
  #listeners: Set<() => void> | undefined;
  #status: QueueStatusEvent | undefined;
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

  /** The newest status; undefined before the first one, and once the log has ended. */
  get status(): QueueStatusEvent | undefined {
    return this.#status;
  }

  /** Replaces the status. Readers get it next, before the events that they have not read. */
  setStatus(status: QueueStatusEvent): void {
    if (this.#ended) throw new Error('the log has ended');
    this.#status = status;
    this.#notify();
  }

  /** Undefined if `number` is not used yet. */
  eventAt(number: number): LogEvent | undefined {
    const events = this.#events;
    return events instanceof PackedEvents ? events.at(number - 1) : events[number - 1];
  }

  append(event: LogEvent): void {
    const events = this.#events;
    if (this.#ended || events instanceof PackedEvents) throw new Error('the log has ended');
    if (event.type === 'thinking' || event.type === 'content') this.#pushText(events, event);
    else {
      this.#push(events, event);
      if (event.type === 'tool_calls') this.#bytes += estimateValueBytes(event.tool_calls);
      else if (event.type === 'logprobs') this.#bytes += estimateValueBytes(event.logprobs);
      else {
        if (event.type === 'done') this.#bytes += NUMBER_BYTES * (event.context?.length ?? 0);
        this.#ended = true;
        this.#status = undefined;
      }
    }
    if (this.#listeners !== undefined) this.#notify();
    else if (this.#ended) this.#pack();
  }

  /**
   * Calls `listener` after every event and status; it must not throw. Returns the function that
   * removes it.
   */
  listen(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => {
      this.#listeners?.delete(listener);
      if (this.#listeners?.size !== 0) return;
      this.#listeners = undefined;
      if (this.#ended) this.#pack();
    };
  }

  toolCalls(): ToolCall[] {
    const all: ToolCall[] = [];
    for (const event of this.#events) if (event.type === 'tool_calls') all.push(...event.tool_calls);
    return all;
  }

  /** Log probabilities of all tokens so far; undefined if the model sends none. */
  logprobs(): TokenLogprob[] | undefined {
    const all: TokenLogprob[] = [];
    for (const event of this.#events)
      if (event.type === 'logprobs') for (const logprob of event.logprobs) all.push(logprob);
    return all.length === 0 ? undefined : all;
  }

  /** The whole text so far. */
  text(type: 'thinking' | 'content'): string {
    const texts: string[] = [];
    for (const event of this.#events) if (event.type === type) texts.push(event.text);
    // One flat string: a sum of strings would retain all of its parts.
    const text = texts.join('');
    if (text !== '' && !(this.#events instanceof PackedEvents)) this.#joined = [...(this.#joined ?? []), text];
    return text;
  }

  #notify(): void {
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener();
  }

  #pack(): void {
    const events = this.#events;
    if (events instanceof PackedEvents) return;
    const joined = this.#joined ?? [];
    this.#joined = undefined;
    const packed = PackedEvents.of(events, (text) => {
      const same = joined.find((one) => one === text);
      if (same === undefined) return text;
      // The joined text and that of the events are one.
      this.#textBytes -= Math.min(this.#textBytes, stringBytes(same));
      return same;
    });
    // Otherwise the spare capacity of the array is freed.
    this.#events = packed ?? events.slice();
    if (packed !== undefined) this.#bytes -= packed.savedBytes(EVENT_BYTES);
  }

  #push(events: LogEvent[], event: LogEvent): void {
    events.push(event);
    this.#bytes += EVENT_BYTES;
  }

  #pushText(events: LogEvent[], event: Extract<LogEvent, { text: string }>): void {
    const { type, text } = event;
    if (text.length <= MAX_EVENT_CHARS) this.#push(events, event);
    else this.#pushPieces(events, type, text);
    const bytes = stringBytes(text);
    this.#bytes += bytes;
    this.#textBytes += bytes;
  }

  #pushPieces(events: LogEvent[], type: 'thinking' | 'content', text: string): void {
    for (let from = 0; from < text.length; ) {
      let to = from + MAX_EVENT_CHARS;
      // A surrogate pair is not split.
      if (to < text.length && isHighSurrogate(text.charCodeAt(to - 1))) to -= 1;
      this.#push(events, { type, text: text.slice(from, to) });
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
