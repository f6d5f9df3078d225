import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import { LogReader, type ReaderRegistry } from '#lib/chat/generation/log-reader';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { AppError } from '#lib/errors';

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
  /** Called once, when the stream was read to its end or the client has disconnected. */
  onClosed?: () => void;
}

/**
 * A response as a stream of bytes. Resolves when there is a first thing to send: until then a
 * failure is thrown as an `AppError`, afterwards it is an event of the stream.
 */
export async function responseStream(
  registry: ReaderRegistry,
  request: PendingRequest,
  encoder: StreamEncoder,
  { signal, after = 0, onClosed }: StreamOptions,
): Promise<ReadableStream<Uint8Array>> {
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
    first = reader.encodeNext(encoder);
    if (first !== '' || reader.ended) break;
    if (!(await reader.wait())) first = encoder.heartbeat;
  }
  return byteStream(reader, encoder, first);
}

function byteStream(reader: LogReader, encoder: StreamEncoder, first: string): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let text = first;
  return new ReadableStream(
    {
      start(controller) {
        // Not an event of the stream: nothing can be sent to a client that does not read.
        reader.onDropped = () => controller.error(TOO_SLOW);
      },
      async pull(controller) {
        while (text === '' && !reader.ended && !reader.closed) {
          text = reader.encodeNext(encoder);
          if (text === '' && !reader.ended && !(await reader.wait())) text = encoder.heartbeat;
        }
        if (reader.dropped) return;
        if (text !== '' && !reader.closed) controller.enqueue(utf8.encode(text));
        text = '';
        if (!reader.ended && !reader.closed) return;
        reader.close();
        controller.close();
      },
      cancel: () => reader.close(),
    },
    // Backpressure: nothing is encoded before it is read.
    { highWaterMark: 0 },
  );
}

/**
 * Resolves when the request has finished. Throws its error, or `cancelled` when `signal` aborts.
 */
export async function waitUntilFinished(
  registry: ReaderRegistry,
  request: PendingRequest,
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
function earlyError(request: PendingRequest): AppError | undefined {
  return request.generation.firstTokenAt === undefined ? request.error : undefined;
}

function clientDisconnected(): AppError {
  return new AppError('cancelled', 'The client disconnected.');
}

function closeOnAbort(signal: AbortSignal, reader: LogReader): void {
  if (signal.aborted) reader.close();
  else signal.addEventListener('abort', () => reader.close(), { once: true });
}
