import type { Clock } from '#lib/chat/clock';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { PendingRequest } from '#lib/chat/generation/in-flight';
import { AppError } from '#lib/errors';

/** An answer that nobody hears of for this long gets a sign of life, so that proxies keep the connection. */
export const HEARTBEAT_MS = 15_000;
/** At most about this much is encoded ahead for a reader: what one that stands still costs. */
const CHUNK_CHARS = 64 * 1024;

/**
 * Shared: an error holds on to the functions that it was made in, and so would to the answer that
 * is to be freed.
 */
const TOO_SLOW = new AppError('cancelled', 'The answer was read too slowly to be kept.');

/** Where readers are registered: the engine. */
export interface ReaderRegistry {
  readonly clock: Clock;
  read(ticket: PendingRequest, onChange: () => void): () => void;
}

/** How the events of one answer are written; a form is made for one reader. */
export interface StreamEncoder {
  /** Comes before everything else. */
  readonly preamble: string;
  readonly heartbeat: string;
  /** The written event; empty where this form leaves it out. */
  encode(event: GenerationEvent, number: number): string;
}

/** A reader's own place in the log of an answer, and its wait for more. It holds nothing but a number. */
export class LogReader {
  /**
   * Undefined once its result was dropped: what still holds this reader does not hold the
   * answer.
   */
  #ticket: PendingRequest | undefined;
  /** Called when the result was dropped before all of it was read. */
  onDropped: (() => void) | undefined;
  readonly #clock: Clock;
  #unregister: (() => void) | undefined;
  #after: number;
  #ended = false;
  #closed = false;
  #quietSince: number;
  #wake: ((spoken: boolean) => void) | undefined;
  #endAlarm: (() => void) | undefined;
  readonly #onClosed: (() => void) | undefined;

  /** `after` is the number of the last event that need not be read. */
  constructor(registry: ReaderRegistry, ticket: PendingRequest, after: number, onClosed?: () => void) {
    this.#onClosed = onClosed;
    this.#ticket = ticket;
    this.#clock = registry.clock;
    this.#after = after;
    this.#quietSince = this.#clock.now();
    this.#unregister = registry.read(ticket, () => (ticket.isDropped ? this.#drop() : this.#rouse(true)));
  }

  /** Whether everything there will ever be has been taken. */
  get ended(): boolean {
    return this.#ended;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the result made room for newer ones before all of it was read. */
  get dropped(): boolean {
    return this.#ticket === undefined;
  }

  /** The next events, one at a time, as far as there are any. A request that was cancelled ends with an error of its own. */
  *take(): Generator<{ event: GenerationEvent; number: number }, void> {
    if (this.#ended || this.#ticket === undefined) return;
    const { log } = this.#ticket.generation;
    if (this.#ticket.cancelledAt !== undefined) {
      this.#ended = true;
      yield {
        event: { type: 'error', fault: new AppError('cancelled', 'The request was cancelled.') },
        number: log.lastNumber,
      };
      return;
    }
    while (this.#after < log.lastNumber) {
      this.#after += 1;
      const event = log.eventAt(this.#after);
      if (log.ended && this.#after === log.lastNumber) this.#ended = true;
      if (event !== undefined) yield { event, number: this.#after };
    }
    if (log.ended) this.#ended = true;
  }

  /** The next events as `form` writes them, up to a bound. */
  encodeNext(form: StreamEncoder): string {
    let text = '';
    for (const { event, number } of this.take()) {
      text += form.encode(event, number);
      if (text.length >= CHUNK_CHARS) break;
    }
    if (text !== '') this.#quietSince = this.#clock.now();
    return text;
  }

  /** Resolves with true when there may be more to take or the reader was closed, with false after `HEARTBEAT_MS` of silence. */
  wait(): Promise<boolean> {
    if (
      this.#closed ||
      this.#ended ||
      this.#ticket === undefined ||
      this.#after < this.#ticket.generation.log.lastNumber
    )
      return Promise.resolve(true);
    this.#endAlarm ??= this.#alarmIn(HEARTBEAT_MS);
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Gives up the place. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#endAlarm?.();
    this.#unregister?.();
    this.#unregister = undefined;
    this.#rouse(true);
    this.#onClosed?.();
  }

  #drop(): void {
    const { onDropped } = this;
    this.#ticket = undefined;
    this.onDropped = undefined;
    this.close();
    onDropped?.();
  }

  #rouse(spoken: boolean): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.(spoken);
  }

  /** One alarm for the whole life of a reader, put off when it rings early, instead of one for every token. */
  #alarmIn(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const now = this.#clock.now();
      const left = this.#quietSince + HEARTBEAT_MS - now;
      if (left <= 0) {
        this.#quietSince = now;
        this.#rouse(false);
      }
      this.#endAlarm = this.#alarmIn(left > 0 ? left : HEARTBEAT_MS);
    });
  }
}

/**
 * An answer as a stream of bytes. Resolves when there is a first thing to send: until then a failure is thrown as the
 * fault it is, afterwards it is an event of the stream. `signal` is the client's; when it aborts, the reader is gone.
 * `onClosed` is called once, when all was read or the reader is gone.
 */
export async function responseStream(
  registry: ReaderRegistry,
  ticket: PendingRequest,
  form: StreamEncoder,
  signal: AbortSignal,
  after = 0,
  onClosed?: () => void,
): Promise<ReadableStream<Uint8Array>> {
  const reader = new LogReader(registry, ticket, after, onClosed);
  closeWith(signal, reader);
  let first = form.preamble;
  while (first === '') {
    if (reader.closed) throw new AppError('cancelled', 'The client has gone.');
    const failure = earlyError(ticket);
    if (failure !== undefined) {
      reader.close();
      throw failure;
    }
    first = reader.encodeNext(form);
    if (first !== '' || reader.ended) break;
    if (!(await reader.wait())) first = form.heartbeat;
  }
  return byteStream(reader, form, first);
}

function byteStream(reader: LogReader, form: StreamEncoder, first: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let text = first;
  return new ReadableStream(
    {
      start(controller) {
        // Not an event of the stream: nothing can be sent to a client that does not read.
        reader.onDropped = () => controller.error(TOO_SLOW);
      },
      async pull(controller) {
        while (text === '' && !reader.ended && !reader.closed) {
          text = reader.encodeNext(form);
          if (text === '' && !reader.ended && !(await reader.wait())) text = form.heartbeat;
        }
        if (reader.dropped) return;
        if (text !== '' && !reader.closed) controller.enqueue(encoder.encode(text));
        text = '';
        if (!reader.ended && !reader.closed) return;
        reader.close();
        controller.close();
      },
      cancel: () => reader.close(),
    },
    // Nothing is encoded before somebody reads it.
    { highWaterMark: 0 },
  );
}

/** Resolves when the request has ended; throws its fault where it failed. `signal` is the client's. */
export async function waitUntilFinished(
  registry: ReaderRegistry,
  ticket: PendingRequest,
  signal: AbortSignal,
): Promise<void> {
  if (ticket.finishedAt === undefined) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (ticket.finishedAt !== undefined || signal.aborted) resolve();
    };
    const unregister = registry.read(ticket, look);
    signal.addEventListener('abort', look, { once: true });
    look();
    await promise;
    signal.removeEventListener('abort', look);
    unregister();
  }
  const { error: failure } = ticket;
  if (failure !== undefined) throw failure;
  if (ticket.finishedAt === undefined) throw new AppError('cancelled', 'The client has gone.');
}

/** A failure before there was any text to send. */
function earlyError(ticket: PendingRequest): AppError | undefined {
  return ticket.generation.firstTokenAt === undefined ? ticket.error : undefined;
}

function closeWith(signal: AbortSignal, reader: LogReader): void {
  if (signal.aborted) reader.close();
  else signal.addEventListener('abort', () => reader.close(), { once: true });
}
