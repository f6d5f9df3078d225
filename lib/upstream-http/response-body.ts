import type { Readable } from 'node:stream';

/**
 * The rest of a complete response is drained up to this size, so that its connection can be
 * reused. Draining is cheaper than a new connection with a TLS handshake.
 */
export const REST_BYTES = 1024 * 1024;
export const REST_TIMEOUT_MS = 1_000;
/** A finished call waits for its connection this long, so that the next call can reuse it. */
export const REST_MOMENT_MS = 100;
/** The longest error body that is searched for a sentence. */
export const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Releases a body that is not read to its end. `drain` reads the rest of a complete response,
 * which keeps its connection; otherwise the connection is closed. Resolves when the connection is
 * free, or after a moment.
 */
export async function releaseBody(body: Readable, drain: boolean): Promise<void> {
  if (body.readableEnded || body.destroyed) return;
  body.on('error', () => {});
  if (!drain) {
    body.destroy();
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest = 0;
  const timeout = setTimeout(() => body.destroy(), REST_TIMEOUT_MS);
  const moment = setTimeout(resolve, REST_MOMENT_MS);
  body.once('close', () => {
    clearTimeout(timeout);
    clearTimeout(moment);
    resolve();
  });
  body.on('data', (chunk: Uint8Array) => {
    rest += chunk.byteLength;
    if (rest > REST_BYTES) body.destroy();
  });
  body.resume();
  await promise;
}

/** The text of a body; undefined if it is longer than `bytes`, which releases it. */
export async function readTextUpTo(body: Readable, bytes: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    length += chunk.byteLength;
    if (length > bytes) break;
    chunks.push(chunk);
  }
  if (length > bytes) {
    await releaseBody(body, true);
    return undefined;
  }
  return new TextDecoder().decode(Buffer.concat(chunks, length));
}

/** The text of an error body; empty if it is too long or breaks off. */
export async function readErrorText(body: Readable): Promise<string> {
  try {
    return (await readTextUpTo(body, MAX_ERROR_BYTES)) ?? '';
  } catch {
    return '';
  }
}
