import type { z } from 'zod';
import { ApiError, jsonBody, request } from '#lib/browser/api-client';
import { API_BASE } from '#lib/browser/endpoints';
import { cacheHeader, isChatEvent } from '#lib/browser/response-guards';
import { readEvents } from '#lib/browser/server-sent-events';
import { parseJson } from '#lib/browser/type-guards';
import type { CacheHeader, ChatEvent, chatRequestSchema } from '#lib/wire/chat';
import { CONNECTION_LOST } from './reconnect.ts';
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
  return await connect(`${API_BASE}/api/chat-optimized`, { ...init, headers }, signal);
}

/** Resumes a stream after `lastEventId`, or from its beginning if that is undefined. */
export async function resumeResponse(
  requestId: string,
  lastEventId: string | undefined,
  signal: AbortSignal,
): Promise<ResponseStream> {
  const headers = { accept: EVENT_STREAM, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) };
  return await connect(queueUrl(requestId), { headers }, signal);
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

async function connect(url: string, init: RequestInit, signal: AbortSignal): Promise<ResponseStream> {
  const loss = new LossOfNetwork();
  const response = await request(url, { ...init, signal: AbortSignal.any([signal, loss.signal]) });
  return { cache: cacheHeader(response.headers.get('x-cache')), events: chatEvents(response, signal, loss) };
}

/** A browser keeps a connection of a network that is lost, and says nothing. */
const SILENCE_MS = 1_000;

/** Aborts a stream that is silent after the browser has lost its network. */
class LossOfNetwork {
  readonly #abort = new AbortController();
  readonly #listening = new AbortController();
  #lastAt = 0;

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  watch(): void {
    addEventListener('offline', () => this.#check(), { signal: this.#listening.signal });
  }

  readonly notice = () => {
    this.#lastAt = performance.now();
  };

  end(): void {
    this.#listening.abort();
  }

  #check(): void {
    setTimeout(() => {
      if (this.#listening.signal.aborted || navigator.onLine) return;
      if (performance.now() - this.#lastAt >= SILENCE_MS) this.#abort.abort();
      else this.#check();
    }, SILENCE_MS);
  }
}

async function* chatEvents(response: Response, signal: AbortSignal, loss: LossOfNetwork): ResponseStream['events'] {
  if (response.body === null) throw connectionLost();
  loss.watch();
  try {
    for await (const { data, id } of readEvents(response.body)) {
      loss.notice();
      const event = parseJson(data);
      // A newer server may send events that this page does not know.
      if (!isChatEvent(event)) continue;
      yield { event, id };
      if (event.done) return;
    }
  } catch (error) {
    if (signal.aborted || error instanceof ApiError) throw error;
    throw connectionLost();
  } finally {
    loss.end();
  }
  throw connectionLost();
}

function connectionLost(): ApiError {
  return new ApiError(TURN_STRINGS.connectionBroke, 0, CONNECTION_LOST);
}
