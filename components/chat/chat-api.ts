import type { z } from 'zod';
import { ApiError, jsonBody, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { cacheHeader, isChatEvent } from '#lib/browser/response-guards';
import { readEvents } from '#lib/browser/server-sent-events';
import { parseJson } from '#lib/browser/type-guards';
import type { CacheHeader, ChatEvent, chatRequestSchema } from '#lib/wire/chat';

export type ChatRequestBody = z.input<typeof chatRequestSchema>;

export interface StreamedEvent {
  event: ChatEvent;
  /** Where a resumable stream goes on after this event. */
  id: string | undefined;
}

export interface ResponseStream {
  cache: CacheHeader | null;
  /** Ends after the event whose `done` is true. Throws `ApiError` where the stream broke off before it. */
  events: AsyncGenerator<StreamedEvent, void, undefined>;
}

const EVENT_STREAM = 'text/event-stream';

export interface StreamRequest {
  body: ChatRequestBody;
  /** The server takes it over, so that the answer can be stopped and taken up again from the first moment on. */
  requestId: string;
  /** Reads no cache, but stores the new answer. */
  bypassCache: boolean;
}

/** Asks for an answer. Aborting `signal` closes the connection. */
export async function requestResponse(
  { body, requestId, bypassCache: fresh }: StreamRequest,
  signal: AbortSignal,
): Promise<ResponseStream> {
  const init = jsonBody(body);
  const headers = {
    ...init.headers,
    accept: EVENT_STREAM,
    'x-request-id': requestId,
    ...(fresh ? { 'cache-control': 'no-cache' } : {}),
  };
  return open(await request(`${API_BASE}/api/chat-optimized`, { ...init, headers, signal }), signal);
}

/** Takes up a stream again after the event `lastEventId`, or from its beginning where there is none. */
export async function resumeResponse(
  requestId: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<ResponseStream> {
  const headers = { accept: EVENT_STREAM, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
  return open(await request(queueUrl(requestId), { headers, signal }), signal);
}

/** Frees the model. That it had ended already, or is not known any more, is no failure. */
export async function cancelResponse(requestId: string): Promise<void> {
  try {
    await request(queueUrl(requestId), { method: 'DELETE', keepalive: true });
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 409)) throw error;
  }
}

function queueUrl(requestId: string): string {
  return `${API_BASE}/api/chat-queue?requestId=${encodeURIComponent(requestId)}`;
}

function open(response: Response, signal: AbortSignal): ResponseStream {
  return { cache: cacheHeader(response.headers.get('x-cache')), events: chatEvents(response, signal) };
}

async function* chatEvents(response: Response, signal: AbortSignal): ResponseStream['events'] {
  if (response.body === null) throw connectionLost();
  try {
    for await (const { data, id } of readEvents(response.body)) {
      const event = parseJson(data);
      // A newer server may send more than this page knows.
      if (!isChatEvent(event)) continue;
      yield { event, id };
      if (event.done) return;
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw connectionLost();
  }
  throw connectionLost();
}

export const CONNECTION_LOST = 'connection_lost';

function connectionLost(): ApiError {
  return new ApiError(
    'The connection broke off before the answer was complete. Ask again to get all of it.',
    0,
    CONNECTION_LOST,
  );
}
