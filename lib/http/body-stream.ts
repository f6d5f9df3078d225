import { type Readable, Transform } from 'node:stream';
import { AppError } from '#lib/errors';
import { bodyTooLarge } from '#lib/http/body-limit';
import { SECOND_MS } from '#lib/units';

/** A body that is read while it arrives. */
export interface BodyStream {
  /** Destroying it leaves the connection open for the response. */
  readonly content: Readable;
  /** Undefined for a chunked body. */
  readonly declaredBytes: number | undefined;
}

/** A client that sends nothing for this long, while its bytes are wanted, is disconnected. */
const STALLED_UPLOAD_MS = 120 * SECOND_MS;
const STALL_CHECK_MS = 10 * SECOND_MS;

/**
 * The bytes of `source` with backpressure. Fails with `body_too_large` above `limitBytes`, and
 * with `invalid_request` if the client disconnects before the end.
 */
export function boundedStream(source: Readable, limitBytes: number, onBytes: (bytes: number) => void): Readable {
  let size = 0;
  let lastMs = performance.now();
  const bounded = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.byteLength;
      lastMs = performance.now();
      onBytes(chunk.byteLength);
      if (size > limitBytes) done(bodyTooLarge({ limitBytes }));
      else done(null, chunk);
    },
  });
  // The reader may not have begun when the client disconnects.
  bounded.on('error', () => {});
  const cutShort = () => {
    if (!source.readableEnded) bounded.destroy(disconnected());
  };
  const timer = setInterval(() => {
    if (source.isPaused()) lastMs = performance.now();
    else if (performance.now() - lastMs > STALLED_UPLOAD_MS) source.destroy();
  }, STALL_CHECK_MS).unref();
  source.on('error', cutShort).once('close', cutShort);
  bounded.once('close', () => {
    clearInterval(timer);
    source.unpipe(bounded);
  });
  source.pipe(bounded);
  return bounded;
}

export function disconnected(): AppError {
  return new AppError('invalid_request', 'The connection ended before the whole body had arrived.');
}
