import { pipeline, type Readable } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  type ZlibOptions,
} from 'node:zlib';

/** What has arrived is given on at once, also at a response's end that is cut. */
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
 * A body without its `Content-Encoding`, read as fast as its reader takes it: bounds on what is
 * read hold for the decoded bytes. Destroying it destroys `body`. Undefined for an encoding that is
 * not known, or more than one. None is asked for, but some servers and proxies compress all the
 * same.
 */
export function decodeBody(body: Readable, encoding: string | string[] | undefined): Readable | undefined {
  const name = String(encoding ?? '')
    .trim()
    .toLowerCase();
  if (name === '' || name === 'identity') return body;
  const decoder = DECODERS.get(name)?.();
  // A failure of either is the decoder's, whose reader sees it.
  if (decoder !== undefined) pipeline(body, decoder, () => {});
  return decoder;
}

/** Whether a body read through `decoded` is not in the encoding that it is said to be. */
export function isDecodeError(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return /^(?:Z_|ZSTD_|ERR_(?:_|BROTLI_|ZSTD_|ZLIB_))/.test(String(error.code));
}
