import { BodyPieces } from '#lib/http/body-pieces';
import { StreamBody, toReadableStream } from '#lib/http/stream-body';

/** A body that is complete when it is sent. */
export type WholeBody = string | Uint8Array<ArrayBuffer> | BodyPieces;

/**
 * A handler's response as data. `route.ts` adds the common headers and turns it into a `Response`
 * where Next serves. Changing a finished `Response` would cost more than the rest of a cached hit.
 */
export interface Reply {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** Values of `Set-Cookie`, where a response sets several. */
  cookies?: readonly string[];
  body: WholeBody | ReadableStream<Uint8Array> | StreamBody | null;
  /**
   * More members of the access log line: JSON that begins with a comma. A promise delays the line
   * until it resolves, for a stream whose figures are known at its end.
   */
  log?: string | Promise<string>;
}

/** The body for a `Response`. */
export function toWebBody(body: Reply['body']): Exclude<Reply['body'], StreamBody | BodyPieces> {
  if (BodyPieces.is(body)) return body.join();
  return body instanceof StreamBody ? toReadableStream(body) : body;
}

export function json(data: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return jsonBytes(JSON.stringify(data), status, headers);
}

export const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' } as const;

/** A reply of JSON that is already serialised. */
export function jsonBytes(body: WholeBody, status = 200, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { ...JSON_HEADERS, ...headers },
    body,
  };
}

/** An event stream, with headers that keep proxies from buffering or compressing it. */
export function eventStream(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Reply {
  return {
    status: 200,
    headers: {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    },
    body,
  };
}

export function plainText(body: string, headers: Record<string, string> = {}): Reply {
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body };
}
