import { pipeline, type Readable } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  type ZlibOptions,
} from 'node:zlib';

/** Sync flush emits every decoded byte at once, also those of a truncated body. */
const GZIP: ZlibOptions = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH };
const ZSTD = { flush: constants.ZSTD_e_flush, finishFlush: constants.ZSTD_e_flush };

const DECODERS = new Map([
  ['gzip', () => createGunzip(GZIP)],
  ['x-gzip', () => createGunzip(GZIP)],
  ['deflate', () => createInflate(GZIP)],
  ['br', () => createBrotliDecompress(BROTLI)],
  ['zstd', () => createZstdDecompress(ZSTD)],
]);

/**
 * Decodes a body with backpressure, so limits apply to the decoded bytes. Destroying the result
 * destroys `body`. Returns undefined for an unknown encoding, or several. Requests ask for
 * `identity`, but some servers and proxies compress anyway.
 */
export function decodeBody(body: Readable, encoding: string | string[] | undefined): Readable | undefined {
  const name = String(encoding ?? '')
    .trim()
    .toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decoder = DECODERS.get(name)?.();
  // `pipeline` destroys the decoder with the error, and its reader gets it.
  if (decoder !== undefined) pipeline(body, decoder, () => {});
  return decoder;
}

/** Whether a body from `decodeBody` is not in its declared encoding. */
export function isDecodeError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return /^(?:Z_|ZSTD_|ERR_(?:_|BROTLI_|ZSTD_|ZLIB_))/.test(String(error.code));
}
