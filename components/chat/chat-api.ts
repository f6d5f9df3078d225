import type { z } from 'zod';
import { ApiError, jsonBody, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { cacheHeader, isChatEvent } from '#lib/browser/response-guards';
import { readEvents } from '#lib/browser/server-sent-events';
import { parseJson } from '#lib/browser/type-guards';
import type { CacheHeader, ChatEvent, chatRequestSchema } from '#lib/wire/chat';
import { TURN_STRINGS } from './strings/turns.ts';

export type ChatRequestBody = z.input<typeof chatRequestSchema>;

export interface StreamedEvent {
  event: ChatEvent;
  /** The `last-event-id` that resumes the stream after this event. */
  id: string | undefined;
}

export interface ResponseStream {
  cache: CacheHeader | null;
  /**
   * Ends after the event whose `done` is true. Throws `ApiError` if the stream breaks off earlier.
   */
  events: AsyncGenerator<StreamedEvent, void, undefined>;
}

const EVENT_STREAM = 'text/event-stream';

export interface StreamRequest {
  body: ChatRequestBody;
  /** Sent as `x-request-id`, so that the response can be cancelled and resumed from the start. */
  requestId: string;
  /** Sends `cache-control: no-cache`: the server skips its cache but stores the new response. */
  bypassCache: boolean;
}

/** Starts a response. Aborting `signal` closes the connection. */
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

/** Resumes a stream after `lastEventId`, or from its beginning if that is undefined. */
export async function resumeResponse(
  requestId: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<ResponseStream> {
  const headers = { accept: EVENT_STREAM, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
  return open(await request(queueUrl(requestId), { headers, signal }), signal);
}

/** Cancels the generation. A request that has ended or is unknown is not an error. */
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
      // A newer server may send events that this page does not know.
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
  return new ApiError(TURN_STRINGS.connectionBroke, 0, CONNECTION_LOST);
}
