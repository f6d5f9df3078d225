import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#lib/errors';
import type { Reply } from '#lib/http/reply';
import { MemoryAccounting } from '#lib/memory-accounting';
import { log } from '#lib/telemetry/log';

/** How long a client whose body was refused may go on sending it, to see the answer and not a reset connection. */
const UNREAD_BODY_MS = 500;

/** How long a client may take no byte of what waits for it. Its connection ends then, and with it what it keeps in memory. */
export const STALLED_CLIENT_MS = 120_000;

/** What whole bodies may hold in memory until their clients have read them. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** The kernel takes about as much at once: smaller bodies are not counted. */
const COUNTED_BODY_BYTES = 64 * 1024;

/** Bodies that their clients have not read yet, the oldest first, and their bytes by client. */
const unread = new Map<ServerResponse, { client: string; bytes: number }>();
const unreadBytes = new MemoryAccounting();

/**
 * Counts a body until its client has read it. Beyond the bound, the oldest connections of the
 * client with most are cut, and never the newest of all.
 */
function countUnread(outgoing: ServerResponse, client: string): void {
  const bytes = outgoing.writableLength;
  unread.set(outgoing, { client, bytes });
  unreadBytes.add(client, bytes);
  outgoing.once('close', () => forgetUnread(outgoing));
  while (unreadBytes.total > MAX_UNREAD_BYTES) {
    const oldest = oldestOf(unreadBytes.largestHolder);
    if (oldest === undefined || oldest === outgoing) return;
    forgetUnread(oldest);
    oldest.destroy();
  }
}

function oldestOf(client: string | undefined): ServerResponse | undefined {
  for (const [outgoing, held] of unread) if (held.client === client) return outgoing;
  return undefined;
}

function forgetUnread(outgoing: ServerResponse): void {
  const held = unread.get(outgoing);
  if (held === undefined) return;
  unread.delete(outgoing);
  unreadBytes.release(held.client, held.bytes);
}

/**
 * Writes `reply` and resolves when all of it was handed to the connection. A stream is read as fast
 * as the client reads, and cancelled when it goes. A body that is not read counts for `client`, if
 * absent for the address.
 */
export function writeReply(
  reply: Reply,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  stalledMs = STALLED_CLIENT_MS,
  client?: string,
): Promise<void> | void {
  const { status, headers, body } = reply;
  if (outgoing.destroyed) {
    if (body instanceof ReadableStream) return body.cancel();
    return;
  }
  if (!incoming.complete) dismiss(incoming, outgoing, headers);
  if (body === null) {
    outgoing.writeHead(status, headers);
    outgoing.end();
  } else if (body instanceof ReadableStream) {
    outgoing.writeHead(status, headers);
    return pump(body, outgoing, stalledMs);
  } else {
    headers['content-length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength);
    outgoing.writeHead(status, headers);
    // A string goes out in one write with the headers.
    outgoing.end(body);
    if (!outgoing.writableFinished && outgoing.writableLength > 0) {
      outgoing.setTimeout(stalledMs);
      if (outgoing.writableLength > COUNTED_BODY_BYTES)
        countUnread(outgoing, client ?? incoming.socket.remoteAddress ?? '');
    }
  }
}

/** The rest of a body that was not read to its end is thrown away for a moment, and then the connection with it. */
function dismiss(incoming: IncomingMessage, outgoing: ServerResponse, headers: Record<string, string>): void {
  headers.connection = 'close';
  incoming.resume();
  outgoing.once('finish', () => {
    const timer = setTimeout(() => incoming.destroy(), UNREAD_BODY_MS);
    incoming.once('close', () => clearTimeout(timer));
  });
}

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, stalledMs: number): Promise<void> {
  // The headers go out at the end of this turn at the latest: after what was sent to the model in it, and together with
  // what has come for the client by then.
  const flush = setImmediate(() => outgoing.flushHeaders());
  const reader = body.getReader();
  let wake: () => void = () => {};
  outgoing.on('drain', () => wake());
  outgoing.once('close', () => {
    wake();
    clearImmediate(flush);
    if (!outgoing.writableFinished) void reader.cancel().catch(() => {});
  });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (outgoing.destroyed) return;
      if (done) break;
      clearImmediate(flush);
      if (outgoing.write(value)) continue;
      outgoing.setTimeout(stalledMs);
      await new Promise<void>((resolve) => (wake = resolve));
      outgoing.setTimeout(0);
    }
    outgoing.end();
    if (outgoing.writableLength > 0) outgoing.setTimeout(stalledMs);
  } catch (error) {
    // What has been sent cannot be taken back: a cut connection is how the client sees that there should be more.
    if (AppError.is(error)) log().info({ code: error.code }, error.message);
    else log().error({ err: error }, 'a stream failed while it was sent');
    outgoing.destroy();
  }
}
