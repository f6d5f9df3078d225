import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Reply } from '#lib/http/reply';
import { log } from '#lib/observe/log';

/** How long a client whose body was refused may go on sending it, to see the answer and not a reset connection. */
const UNREAD_BODY_MS = 500;

/**
 * Writes `reply` and resolves when all of it was handed to the connection. A stream is read as fast as the client reads, and
 * cancelled when it goes.
 */
export function writeReply(reply: Reply, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> | void {
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
    return pump(body, outgoing);
  } else {
    headers['content-length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength);
    outgoing.writeHead(status, headers);
    // A string goes out in one write with the headers.
    outgoing.end(body);
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

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
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
      if (!outgoing.write(value)) await new Promise<void>((resolve) => (wake = resolve));
    }
    outgoing.end();
  } catch (error) {
    // What has been sent cannot be taken back: a cut connection is how the client sees that there should be more.
    log().error({ err: error }, 'a stream failed while it was sent');
    outgoing.destroy();
  }
}
