import type { Readable } from 'node:stream';
import type { Reply } from '#lib/http/reply';
import type { ForwardedResponse } from '#lib/models/forwarding';
import { isMissingEndpoint, missingEndpoint } from '#lib/models/unsupported-endpoint';

/** Headers of a model server's response that are about its content, or about a retry. */
const KEPT_HEADERS = ['content-type', 'content-length', 'content-disposition', 'retry-after'] as const;
const STREAM_TYPE = /event-stream|ndjson|octet-stream|^audio\//i;

/**
 * The reply with a model server's response, whose body is read as fast as the client reads. Throws
 * `unsupported_by_model_server` if the server has no such endpoint.
 */
export function forwardedReply(response: ForwardedResponse, path: string): Reply {
  const { statusCode: status, headers: received } = response;
  const headers: Record<string, string> = { 'cache-control': 'no-store' };
  for (const name of KEPT_HEADERS) {
    const value = received[name];
    if (value !== undefined) headers[name] = value;
  }
  if (response.isSuccess) {
    if (STREAM_TYPE.test(received['content-type'] ?? ''))
      Object.assign(headers, { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' });
    return { status, headers, body: toByteStream(response.body) };
  }
  const { sentence, errorBody } = response;
  if (isMissingEndpoint(status, sentence ?? errorBody)) throw missingEndpoint(path, sentence);
  return { status, headers, body: errorBody };
}

/** Nothing is read before it is asked for. Cancelling closes the connection of the response. */
function toByteStream(body: Readable): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const next = await chunks.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: () => void body.destroy(),
    },
    { highWaterMark: 0 },
  );
}

/** Resolves when the body of a response has been read, or was left. */
export function bodyClosed(response: ForwardedResponse): Promise<void> {
  if (!response.isSuccess || response.body.closed) return Promise.resolve();
  return new Promise((resolve) => response.body.once('close', () => resolve()));
}
