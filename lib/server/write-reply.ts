import type { IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '#lib/errors';
import { BodyPieces } from '#lib/http/body-pieces';
import type { HttpRequest } from '#lib/http/http-request';
import { type OpenPiece, openWork } from '#lib/http/open-work';
import type { Reply, WholeBody } from '#lib/http/reply';
import { StreamBody } from '#lib/http/stream-body';
import { MemoryAccounting } from '#lib/memory-accounting';
import { log } from '#lib/telemetry/log';
import { KIB, MIB } from '#lib/units';

/** Whom a stream belongs to: the members of `HttpRequest`. */
type StreamOwner = Pick<HttpRequest, 'caller' | 'session'>;

/** Time for a client whose body was refused to stop sending and to read the response. */
const UNREAD_BODY_MS = 500;

/** The connection of a client that reads nothing for this long is closed. */
export const STALLED_CLIENT_MS = 120_000;

/** Memory limit of whole bodies that their clients have not read. */
const MAX_UNREAD_BYTES = 64 * MIB;
/** The kernel buffers about as much, so smaller bodies are not counted. */
const COUNTED_BODY_BYTES = 64 * KIB;

/** Unread bodies, the oldest first, and their bytes by client. */
const unread = new Map<ServerResponse, { client: string; bytes: number }>();
const unreadBytes = new MemoryAccounting();

/**
 * Counts a body until its client has read it. Beyond the limit, the oldest connections of the
 * client with the most bytes are closed, but never the newest connection of all.
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
 * Writes `reply`. Resolves when the connection has all of it. A stream is read as fast as the
 * client reads (backpressure), and cancelled when the client disconnects. An unread body counts
 * for the caller of `client`, by default for the client's address.
 */
export function writeReply(
  reply: Reply,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  stalledMs = STALLED_CLIENT_MS,
  client?: StreamOwner,
): Promise<void> | void {
  const { status, headers, body, cookies } = reply;
  if (outgoing.destroyed) {
    if (body instanceof ReadableStream || body instanceof StreamBody) return body.cancel();
    return;
  }
  if (!incoming.complete) discardBody(incoming, headers);
  if (cookies !== undefined && cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  if (body === null) {
    outgoing.writeHead(status, headers);
    outgoing.end();
  } else if (body instanceof ReadableStream) {
    outgoing.writeHead(status, headers);
    endWithCaller(outgoing, client);
    return pump(body, outgoing, stalledMs);
  } else if (body instanceof StreamBody) {
    outgoing.writeHead(status, headers);
    endWithCaller(outgoing, client);
    stream(body, outgoing, stalledMs);
  } else {
    headers['content-length'] = String(typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength);
    outgoing.writeHead(status, headers);
    sendWhole(body, outgoing);
    if (!outgoing.writableFinished && outgoing.writableLength > 0) {
      outgoing.setTimeout(stalledMs);
      if (outgoing.writableLength > COUNTED_BODY_BYTES)
        countUnread(outgoing, client?.caller ?? incoming.socket.remoteAddress ?? '');
    }
  }
}

/** How long the stream of a caller that is locked out has to end with its error. */
const LAST_EVENT_MS = 500;

/** Closes a stream when its caller is locked out, or its session ends. */
function endWithCaller(outgoing: ServerResponse, client: StreamOwner | undefined): void {
  if (client === undefined) return;
  const { caller, session } = client;
  const endNow = () => void setTimeout(() => outgoing.destroy(), LAST_EVENT_MS).unref();
  const piece: OpenPiece = { session, endNow };
  openWork().add(caller, piece);
  outgoing.once('close', () => openWork().remove(caller, piece));
}

/** node:http sends the headers and all that is written in one turn in one write. */
function sendWhole(body: WholeBody, outgoing: ServerResponse): void {
  if (!BodyPieces.is(body)) {
    outgoing.end(body);
    return;
  }
  const last = body.pieces.length - 1;
  for (const [at, piece] of body.pieces.entries())
    if (at < last) outgoing.write(piece);
    else outgoing.end(piece);
}

/**
 * Discards the rest of the request body for a moment, then closes the connection. While the client
 * still sends, closing it resets it: the client then loses the response, or never sees it.
 */
function discardBody(incoming: IncomingMessage, headers: Record<string, string>): void {
  headers.connection = 'close';
  incoming.resume();
  const { socket } = incoming;
  const close = socket.destroySoon.bind(socket);
  // node:http calls it when the response has been sent.
  socket.destroySoon = () => {
    if (incoming.complete || incoming.destroyed) return close();
    socket.end();
    const timer = setTimeout(() => socket.destroy(), UNREAD_BODY_MS);
    incoming.once('end', close);
    socket.once('close', () => clearTimeout(timer));
  };
}

/** Writes each piece of the body in one write of the socket, in its chunk of HTTP/1.1. */
function stream(body: StreamBody, outgoing: ServerResponse, stalledMs: number): void {
  // node:http would write the frame of a chunk separately, at twice the cost of a small piece.
  const { chunkedEncoding: isChunked } = outgoing;
  outgoing.chunkedEncoding = false;
  const onDrain = () => {
    outgoing.setTimeout(0);
    body.resume();
  };
  outgoing.on('drain', onDrain);
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) body.cancel();
  });
  let isHeadSent = false;
  /** After the head, node:http would only pass the piece on to the socket, a tick later. */
  const writePiece = (piece: string, encoding: 'latin1' | 'utf8'): boolean => {
    const { socket } = outgoing;
    if (!isHeadSent || socket === null) {
      isHeadSent = socket !== null;
      return outgoing.write(piece, encoding);
    }
    // The client has closed its side, and gets what is written already.
    if (!socket.writable) return false;
    const hasRoom = socket.write(piece, encoding);
    if (!hasRoom) socket.once('drain', onDrain);
    return hasRoom;
  };
  body.start({
    write(text, isLast) {
      const bytes = Buffer.byteLength(text);
      const encoding = bytes === text.length ? 'latin1' : 'utf8';
      const piece = isChunked ? `${bytes.toString(16)}\r\n${text}\r\n` : text;
      if (isLast) {
        outgoing.end(isChunked ? `${piece}0\r\n\r\n` : piece, encoding);
        return true;
      }
      const hasRoom = writePiece(piece, encoding);
      if (!hasRoom) outgoing.setTimeout(stalledMs);
      return hasRoom;
    },
    end() {
      if (!outgoing.writableEnded) outgoing.end(isChunked ? '0\r\n\r\n' : '', 'latin1');
      if (outgoing.writableLength > 0) outgoing.setTimeout(stalledMs);
    },
    fail(error) {
      logFailure(error);
      outgoing.destroy();
    },
  });
}

async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse, stalledMs: number): Promise<void> {
  // Headers are sent at the end of this turn at the latest: after the request to the model server,
  // and together with the first data.
  const flush = setImmediate(() => outgoing.flushHeaders());
  const reader = body.getReader();
  let wake: () => void = () => {};
  outgoing.on('drain', () => wake());
  outgoing.once('close', () => {
    wake();
    clearImmediate(flush);
    // A body that has failed rejects here too; the read below has logged it.
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
    // Sent data cannot be revoked, so a closed connection shows the client that data is missing.
    logFailure(error);
    outgoing.destroy();
  }
}

function logFailure(error: unknown): void {
  if (AppError.is(error)) log().info({ code: error.code }, error.message);
  else log().error({ err: error }, 'a stream failed while it was sent');
}
