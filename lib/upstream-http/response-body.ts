import type { Readable } from 'node:stream';

/**
 * What may still follow a whole response and is read so that its connection can be used again. To
 * read this much costs less than a new connection with its TLS handshake.
 */
const REST_BYTES = 1024 * 1024;
const REST_TIMEOUT_MS = 1_000;
/** So long a finished call waits for its connection, so that the next one need not open another. */
const REST_MOMENT_MS = 100;
/** Of a response that is an error, the sentence is looked for in so much. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Ends a response before its end. One that is `done` is read on for a little, which keeps its
 * connection; resolves when the connection is free, or after a moment.
 */
export async function releaseBody(body: Readable, done: boolean): Promise<void> {
  if (body.readableEnded || body.destroyed) return;
  body.on('error', () => {});
  if (!done) {
    body.destroy();
    return;
  }
  const { promise, resolve } = Promise.withResolvers<void>();
  let rest = 0;
  const late = setTimeout(() => body.destroy(), REST_TIMEOUT_MS);
  const moment = setTimeout(resolve, REST_MOMENT_MS);
  body.once('close', () => {
    clearTimeout(late);
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

/** The text of a body, or undefined where it is longer than `bytes`; then it is left. */
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

/** The text of an error's body. One that is too long, or breaks off, has no sentence to find. */
export async function readErrorText(body: Readable): Promise<string> {
  try {
    return (await readTextUpTo(body, MAX_ERROR_BYTES)) ?? '';
  } catch {
    return '';
  }
}
