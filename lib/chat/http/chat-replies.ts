import { chatEngine } from '#lib/chat/engine-singleton';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import { responseStream } from '#lib/chat/generation/response-stream';
import { requestLogFields } from '#lib/chat/http/access-log-fields';
import { ageHeader, DEGRADED, degradedHeader, queueHeaders } from '#lib/chat/http/reply-headers';
import { bothSettled, type Settlement } from '#lib/chat/settlement';
import { eventStream, json, type Reply } from '#lib/http/reply';
import type { CacheHeader } from '#lib/wire/chat';

type Headers = Readonly<Record<string, string>>;

/** The model servers that work on the responses, or did. A request that waits has none yet. */
export function modelServersHeader(requests: readonly ReadableRequest[]): Headers {
  const names = new Set(
    requests.flatMap(({ state, storedAt, serverName }) =>
      serverName !== undefined && state !== 'queued' && storedAt === undefined ? [serverName] : [],
    ),
  );
  return names.size === 0 ? {} : { 'x-model-server': [...names].join(', ') };
}

/**
 * An encoder for a request that may be saved: when the server stops, its stream ends with a comment
 * instead of an error, because the request goes on after the restart.
 */
export function pausing(request: ReadableRequest, encoder: StreamEncoder): StreamEncoder {
  return {
    preamble: encoder.preamble,
    get heartbeat() {
      return encoder.heartbeat;
    },
    encode: (event, number) =>
      event.type === 'error' && request.isSuspended
        ? ': the server restarts, and the response goes on\n\n'
        : encoder.encode(event, number),
  };
}

/** Headers of a server-sent event stream. */
export const EVENT_STREAM_HEADERS: Headers = eventStream('').headers;

/** What an API writes of a request besides its response. */
export interface SettledApi {
  /** Whether other servers know what the API has stored of a request. See `EngineCore.settled`. */
  settled?(request: ReadableRequest): Settlement;
}

/** Whether other servers know all that a reply to a request names: what the next one may need. */
export function settlementOf(request: ReadableRequest, api?: SettledApi): Settlement {
  return bothSettled(chatEngine().settled(request), api?.settled?.(request));
}

interface StreamReplyOptions {
  /** The one that has accepted the request. */
  readonly api?: SettledApi;
  readonly encoder: StreamEncoder;
  /** The client's. */
  readonly signal: AbortSignal;
  readonly headers: Headers;
  /** Number of the event after which the stream begins; 0 if absent. */
  readonly after?: number;
  /** At arrival. Without it the reply has no headers about the queue. */
  readonly position?: number | undefined;
}

/**
 * A streamed reply, whose head and last piece wait for what other servers are to know. Its
 * access-log line is written when the stream ends.
 */
export async function streamReply(
  request: ReadableRequest,
  cacheStatus: CacheHeader,
  { api, encoder, signal, headers, after = 0, position }: StreamReplyOptions,
): Promise<Reply> {
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>();
  const accepting = settlementOf(request, api);
  const settled = () => settlementOf(request, api);
  const body = await responseStream(chatEngine(), request, encoder, { signal, after, onClosed, settled });
  const isKnown = accepting === undefined || (await accepting);
  return {
    status: 200,
    headers: {
      ...{ 'x-cache': cacheStatus, 'x-request-id': request.id },
      ...howServed(request, position, isKnown),
      ...headers,
    },
    body,
    log: closed.then(() => requestLogFields(request, cacheStatus)),
  };
}

interface JsonReplyOptions {
  readonly status?: number;
  readonly headers?: Headers | undefined;
  readonly position?: number | undefined;
  /** What `settlementOf` has resolved with. */
  readonly isKnown?: boolean;
}

/** A JSON reply for a request that has completed or was enqueued. */
export function jsonReply(
  request: ReadableRequest,
  cacheStatus: CacheHeader,
  body: object,
  { status = 200, headers = {}, position, isKnown = true }: JsonReplyOptions = {},
): Reply {
  const common = { 'x-cache': cacheStatus, 'x-request-id': request.id, ...howServed(request, position, isKnown) };
  return {
    ...json(body, status, { ...common, ...headers }),
    log: requestLogFields(request, cacheStatus),
  };
}

/** A response from the cache has an age; another one has a model server, and perhaps waited. */
function howServed(request: ReadableRequest, position: number | undefined, isKnown: boolean): Headers {
  const unknown = isKnown ? {} : DEGRADED;
  if (request.storedAt !== undefined) return { ...ageHeader(request), ...unknown };
  const how = { ...modelServersHeader([request]), ...degradedHeader([request]), ...unknown };
  return position === undefined ? how : { ...how, ...queueHeaders(request, position) };
}

/** The cache status for a request that another one attaches to. */
export function attachedStatus({ cached }: ReadableRequest): CacheHeader {
  return cached ? 'hit' : 'joined';
}
