import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { LogReader, type ReaderRegistry } from '#lib/chat/generation/log-reader';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import type { Settlement } from '#lib/chat/settlement';
import { AppError } from '#lib/errors';
import { type PieceWriter, StreamBody } from '#lib/http/stream-body';
import { atPieceEnd, atTurnEnd } from '#lib/http/turn-end';

/**
 * Shared instance: an error retains the functions it was created in, and through them the response
 * that is to be freed.
 */
const TOO_SLOW = new AppError('cancelled', 'The client read the response too slowly.');

export interface StreamOptions {
  /** The client's: its abort closes the reader. */
  signal: AbortSignal;
  /** Number of the event after which the stream begins; 0 if absent. */
  after?: number;
  /**
   * Called once, before the end of the response is read. What it returns resolves when that may
   * leave; it must not reject.
   */
  settled?: (() => Settlement) | undefined;
  /** Called once, when the stream was read to its end or the client has disconnected. */
  onClosed?: () => void;
}

/**
 * A response as a body. Resolves when there is a first thing to send: until then a failure is
 * thrown as an `AppError`, afterwards it is an event of the stream.
 */
export async function responseStream(
  registry: ReaderRegistry,
  request: ReadableRequest,
  encoder: StreamEncoder,
  { signal, after = 0, onClosed, settled }: StreamOptions,
): Promise<StreamBody> {
  let settling = settled;
  const reader = new LogReader(registry, request, after, onClosed);
  closeOnAbort(signal, reader);
  let first = encoder.preamble;
  while (first === '') {
    if (reader.closed) throw clientDisconnected();
    const error = earlyError(request);
    if (error !== undefined) {
      reader.close();
      throw error;
    }
    if (settling !== undefined && reader.isAtEnd) {
      const settlement = settling();
      settling = undefined;
      if (settlement !== undefined) {
        await settlement;
        continue;
      }
    }
    first = reader.encodeNext(encoder);
    if (first !== '' || reader.ended) break;
    if (await isSilent(reader)) first = encoder.heartbeat;
  }
  return new ResponseBody(reader, encoder, first, settling);
}

/** Resolves with false at the next news, with true when there are none for a while. */
function isSilent(reader: LogReader): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (result: boolean) => {
      reader.onNews = undefined;
      reader.onSilence = undefined;
      resolve(result);
    };
    reader.onNews = () => end(false);
    reader.onSilence = () => end(true);
  });
}

/** The rest of a response. All events of one turn of the event loop are one piece. */
class ResponseBody extends StreamBody {
  readonly #reader: LogReader;
  /** Undefined once the body is over, so that it does not retain the response. */
  #encoder: StreamEncoder | undefined;
  /** Text that is encoded but not written yet. */
  #text: string;
  #writer: PieceWriter | undefined;
  #isBehind = false;
  /** See `StreamOptions.settled`; undefined once it was called. */
  #settled: (() => Settlement) | undefined;
  /** Whether the end of the response waits for that. */
  #isHeld = false;
  #isFlushScheduled = false;
  #isEndScheduled = false;
  #lastPieceMs = Number.NEGATIVE_INFINITY;

  constructor(reader: LogReader, encoder: StreamEncoder, first: string, settled: (() => Settlement) | undefined) {
    super();
    this.#settled = settled;
    this.#reader = reader;
    this.#encoder = encoder;
    this.#text = first;
    // Not an event of the stream: nothing can be sent to a client that does not read.
    reader.onDropped = () => this.#over()?.fail(TOO_SLOW);
  }

  start(writer: PieceWriter): void {
    this.#writer = writer;
    this.#reader.onNews = () => this.#scheduleFlush();
    this.#reader.onSilence = () => this.#beat();
    if (this.#reader.dropped) this.#over()?.fail(TOO_SLOW);
    else this.#flush();
  }

  resume(): void {
    this.#isBehind = false;
    this.#flush();
  }

  cancel(): void {
    this.#over();
    this.#reader.close();
  }

  #scheduleFlush(): void {
    if (this.#isBehind) return;
    if (this.#reader.isAtEnd) {
      // The end of a response never waits.
      if (!this.#isEndScheduled) atTurnEnd(this.#flushScheduled);
      this.#isEndScheduled = true;
    } else if (!this.#isFlushScheduled) {
      this.#isFlushScheduled = true;
      atPieceEnd(this.#flushScheduled, this.#lastPieceMs);
    }
  }

  readonly #flushScheduled = (): void => {
    this.#isFlushScheduled = false;
    this.#flush();
  };

  #flush(): void {
    while (!this.#isBehind && this.#writer !== undefined && this.#encoder !== undefined) {
      if (this.#text === '' && this.#holdsEnd()) return;
      if (this.#text === '' && !this.#reader.closed) this.#text = this.#reader.encodeNext(this.#encoder);
      const text = this.#text;
      this.#text = '';
      const isLast = this.#reader.ended || this.#reader.closed;
      if (text !== '') {
        this.#lastPieceMs = performance.now();
        this.#isBehind = !this.#writer.write(text, isLast);
      }
      if (isLast) {
        this.#over()?.end();
        this.#reader.close();
        return;
      }
      if (text === '') return;
    }
  }

  /** Whether the rest waits until other servers know what it names. */
  #holdsEnd(): boolean {
    if (this.#settled !== undefined && this.#reader.isAtEnd) {
      const settling = this.#settled();
      this.#settled = undefined;
      this.#isHeld = settling !== undefined;
      void settling?.then(() => {
        this.#isHeld = false;
        this.#flush();
      });
    }
    return this.#isHeld;
  }

  #beat(): void {
    if (this.#encoder !== undefined && !this.#isBehind)
      this.#isBehind = this.#writer?.write(this.#encoder.heartbeat, false) === false;
  }

  /** Ends the body. Returns the writer for its last call. */
  #over(): PieceWriter | undefined {
    const writer = this.#writer;
    this.#writer = undefined;
    this.#encoder = undefined;
    this.#settled = undefined;
    this.#text = '';
    return writer;
  }
}

/**
 * Resolves when the request has finished. Throws its error, or `cancelled` when `signal` aborts.
 */
export async function waitUntilFinished(
  registry: ReaderRegistry,
  request: ReadableRequest,
  signal: AbortSignal,
): Promise<void> {
  if (request.finishedAt === undefined) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => {
      if (request.finishedAt !== undefined || signal.aborted) resolve();
    };
    const unregister = registry.read(request, check);
    signal.addEventListener('abort', check, { once: true });
    check();
    await promise;
    signal.removeEventListener('abort', check);
    unregister();
  }
  const { error } = request;
  if (error !== undefined) throw error;
  if (request.finishedAt === undefined) throw clientDisconnected();
}

/** An error before there was any text to send. */
function earlyError(request: ReadableRequest): AppError | undefined {
  return request.firstTokenAt === undefined ? request.error : undefined;
}

function clientDisconnected(): AppError {
  return new AppError('cancelled', 'The client disconnected.');
}

function closeOnAbort(signal: AbortSignal, reader: LogReader): void {
  if (signal.aborted) reader.close();
  else signal.addEventListener('abort', () => reader.close(), { once: true });
}
