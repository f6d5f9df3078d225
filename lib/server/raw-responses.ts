import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { AppError } from '#lib/errors';
import { endSocket } from '#lib/http/end-socket';
import { toErrorResponse } from '#lib/http/errors';
import { streamedUploads } from '#lib/http/streamed-uploads';
import { STATUS_CODES } from '#lib/node-http';
import type { ErrorBody } from '#lib/wire/error';

/**
 * Error responses on sockets for which node:http has no `ServerResponse`: upgrades, CONNECT and
 * invalid HTTP. Each closes its connection.
 */

export function refuseUpgrade(error: AppError, socket: Duplex): void {
  const { status, body } = toErrorResponse(error);
  endSocket(socket, rawResponse(`${status} ${STATUS_CODES[status]}`, body));
}

/** Refuses CONNECT: the server is no forward proxy. */
export function refuseTunnel(_incoming: IncomingMessage, socket: Duplex): void {
  const error = 'This server opens no tunnels: CONNECT is not allowed.';
  endSocket(socket, rawResponse('405 Method Not Allowed', { error, code: 'method_not_allowed' }));
}

/** Refuses bytes that the HTTP parser rejected. */
export function refuseInvalidHttp(error: NodeJS.ErrnoException, socket: Duplex): void {
  // Node reports the time limit of a body once, and leaves the connection to this listener.
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && streamedUploads().has(socket)) return;
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const [status, sentence] = PARSER_ERRORS[error.code ?? ''] ?? [
    '400 Bad Request',
    'This is not a valid HTTP request.',
  ];
  endSocket(socket, rawResponse(status, { error: sentence, code: 'invalid_request' }));
}

const PARSER_ERRORS: Record<string, [status: string, sentence: string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large (the limit is 16 KiB).'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request took too long to arrive. Send it again.'],
};

function rawResponse(status: string, error: ErrorBody): string {
  const body = JSON.stringify(error);
  return `HTTP/1.1 ${status}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}
