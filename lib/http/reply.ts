/**
 * What a handler answers with, as data. It becomes a `Response` in one place (`route.ts`), which adds the headers that
 * every answer carries; setting them on a finished `Response` would cost more than all the rest of a cached answer.
 */
export interface Reply {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null;
  /**
   * More members for the request's line in the log: JSON that begins with a comma. A promise
   * postpones the line until it resolves, for a stream whose figures are known at its end.
   */
  log?: string | Promise<string>;
}

export function json(data: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return jsonBytes(JSON.stringify(data), status, headers);
}

/** For JSON that is kept in its serialised form. */
export function jsonBytes(
  body: string | Uint8Array<ArrayBuffer>,
  status = 200,
  headers: Record<string, string> = {},
): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body,
  };
}

/** An event stream, with the headers that keep proxies from buffering or compressing it. */
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
