import type {
  MediaContent,
  Operation,
  OperationParameter,
  OperationResponse,
  RequestExample,
} from '#lib/openapi/operation';
import { cacheModeSchema } from '#lib/wire/chat';
import { cancelledBySchema } from '#lib/wire/chat-queue';
import type { ErrorCode } from '#lib/wire/error';

/** Errors of chat requests in all APIs. */
export const CHAT_ERROR_CODES: readonly ErrorCode[] = [
  'rate_limited',
  'not_found',
  'model_not_found',
  'unsupported_parameter',
  'unsupported_value',
  'context_length_exceeded',
  'cancelled',
  'upstream_failed',
  'upstream_truncated',
  'worker_lost',
  'queue_full',
  'provider_unavailable',
  'not_configured',
  'shutting_down',
  'upstream_timeout',
  'not_cached',
];

/** Headers that name fields without an effect. */
export const FIELD_HEADERS = {
  'X-Ignored-Fields':
    'Request fields that had no effect: unknown fields (with the likely intended name) and fields that the model server does not support. At most 20; absent if there are none.',
  'X-Dropped-Params':
    'With `drop_params`: fields that the model server does not support and that were left out, by the names of the API. Absent if there are none.',
};

export const CACHE_HEADER = {
  'X-Cache':
    '`hit`: from the cache. `joined`: shares the generation of an identical request. `miss`: generated, because the cache did not have it. `bypass`: generated, because the cache was not read (random sampling on a route of another API, `cache: "off"`, `Cache-Control: no-cache`, or a server with `CACHE_ENABLED=false`).',
  Age: 'Of a response from the cache: seconds since it was generated.',
  'X-Model-Server':
    'The name of the model server that generates the response. Absent for a cached one, for a stream that began while the request waited, and if there is one server without a `#name=`. A stream whose headers are sent before the first token names the server that works on it by then.',
  'X-Degraded':
    '`redis`: several servers share a queue, Redis does not respond, and this server makes the response by itself, or what the response names is known to this server alone for now. Absent otherwise, and with an error.',
  ...FIELD_HEADERS,
  'X-Queue-Position': 'The place in the queue at arrival, from 1; 0 if the request did not wait. Absent on `hit`.',
  'X-Queue-Wait-Ms':
    'Milliseconds in the queue; in a stream whose request still waits, the estimated wait. Absent on `hit`.',
};

/** Of the native routes, which take a priority. */
const PRIORITY_HEADER = {
  'X-Priority': 'The priority of the request, if the caller may not have the one that it asked for.',
};

/** Of a stream of `data:` lines whose clients skip comments. */
export const QUEUE_COMMENTS =
  'While the request waits, comments have its place in the queue: `: queued position=3 wait_ms=4000`. `: connection to the other servers lost, waiting` says that this server does not reach the one that works on it.';

const CHAT_STREAM: MediaContent = {
  description:
    'Only `data: {json}` lines and blank lines. Every 15 s without another event, `{"done":false,"cached":false}`.',
  events: [{ schema: 'ChatEvent' }],
};

const CHAT_RESPONSE: OperationResponse = {
  description: 'The response: a stream, or one JSON body with `"stream": false`.',
  content: { 'text/event-stream': CHAT_STREAM, 'application/json': { schema: 'ChatAnswer' } },
  headers: { ...CACHE_HEADER, ...PRIORITY_HEADER },
};

export const CACHE_POLICY_HEADER: OperationParameter = {
  name: 'X-Cache-Policy',
  in: 'header',
  description: '`cache` for a body that does not have it: `auto`, `on` or `off`.',
  schema: { type: 'string', enum: cacheModeSchema.options },
};

export const DROP_PARAMS_HEADER: OperationParameter = {
  name: 'X-Drop-Params',
  in: 'header',
  description: '`drop_params` for a body that does not have it.',
  schema: { type: 'string', enum: ['true', 'false'] },
};

/** Headers of a chat request in all APIs. */
export const REQUEST_POLICY_PARAMETERS: readonly OperationParameter[] = [
  {
    name: 'Cache-Control',
    in: 'header',
    description:
      '`no-cache`: do not read the cache, but store the new response. `no-store`: neither. `max-age=60`: read no response that is older, in seconds. `only-if-cached`: 504 `not_cached` without a cached response.',
    schema: { type: 'string' },
  },
  CACHE_POLICY_HEADER,
  DROP_PARAMS_HEADER,
];

const CHAT_EXAMPLES: readonly RequestExample[] = [
  {
    summary: 'A complete response as JSON',
    body: { messages: [{ role: 'user', content: 'Say hello in five words.' }], stream: false },
  },
  {
    summary: 'The same, streamed',
    body: { messages: [{ role: 'user', content: 'Say hello in five words.' }] },
  },
  {
    summary: 'With a system prompt and sampling options',
    body: {
      messages: [{ role: 'user', content: 'Name a colour.' }],
      system_prompt: 'Answer with one word.',
      options: { temperature: 0, num_predict: 16 },
      stream: false,
    },
  },
];

function chat(path: string, id: string, summary: string, description: string): Operation {
  return {
    id,
    tag: 'Chat',
    path,
    method: 'post',
    summary,
    description,
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: {
      schema: ['ChatRequest', 'AttachRequest'],
      description: 'At most 1 MiB, 20 MiB with images. Field names may be spelled in camelCase too.',
    },
    responses: { 200: CHAT_RESPONSE },
    errorCodes: CHAT_ERROR_CODES,
    examples: CHAT_EXAMPLES,
  };
}

/** Chosen by the client, so that later examples can refer to the first one's request. */
const EXAMPLE_ID = '3f2f8a52-6c1e-4b8e-9a53-0f6f6f1f7d10';

const ID: OperationParameter = {
  name: 'request_id',
  in: 'query',
  description: 'As given by POST; also spelled `requestId`.',
  schema: { type: 'string', format: 'uuid' },
};

const CANCELLED_BY: OperationParameter = {
  name: 'cancelled_by',
  in: 'query',
  description:
    'Who cancels an own request, as its readers see it. Left out, or with several keys or accounts: user. The request of another caller is always cancelled by the operator.',
  schema: { type: 'string', enum: cancelledBySchema.options },
};

export const CHAT_OPERATIONS: readonly Operation[] = [
  chat(
    '/api/chat-optimized',
    'chat',
    'Create a chat response',
    'Served from the cache if possible. Identical requests share one model call. While the model is busy, requests wait in a queue that reports their position. With `request_id`, attaches to a queued or running request. A client that disconnects has `DISCONNECT_GRACE_MS` to reconnect.',
  ),
  chat(
    '/api/chat-stream',
    'chatStream',
    'Create a chat response (alias of /api/chat-optimized)',
    'For clients that use the older name.',
  ),
  {
    id: 'enqueue',
    tag: 'Queue',
    path: '/api/chat-queue',
    method: 'post',
    summary: 'Queue a chat request',
    description:
      'It runs to its end without a listener. Its id is the `X-Request-Id` header if that is an unused UUID; `X-Request-Id` of the response is always the request’s id. Callers take turns. In a full queue the newest request of the caller with most requests gives way to a caller with fewer, and ends with `queue_full`. The result is kept for `QUEUE_RESULT_TTL_SECONDS`.',
    access: 'key',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'A repeated request with the same key and body returns the first request while its result is kept.',
        schema: { type: 'string' },
      },
      ...REQUEST_POLICY_PARAMETERS,
    ],
    body: { schema: 'ChatRequest', description: '`stream` has no effect here.' },
    responses: {
      202: {
        description: 'Queued, running, or already completed from the cache.',
        content: { 'application/json': { schema: 'QueueSubmitted' } },
        headers: { ...CACHE_HEADER, ...PRIORITY_HEADER },
      },
    },
    errorCodes: [...CHAT_ERROR_CODES, 'idempotency_conflict'],
    examples: [
      {
        summary: 'Submit with your own id',
        headers: { 'X-Request-Id': EXAMPLE_ID },
        body: { messages: [{ role: 'user', content: 'Count to three.' }], options: { num_predict: 32 } },
      },
    ],
  },
  {
    id: 'lookAtQueue',
    tag: 'Queue',
    path: '/api/chat-queue',
    method: 'get',
    summary: 'Get queue or request status',
    description:
      'Without an id: the whole queue. With an id: the status of that request, and its response once it is complete. With an id and `Accept: text/event-stream`: the live stream, which `Last-Event-ID` resumes without loss or repetition (`status` events have no id, but one with `restarted`, which has 0); 204 means that the stream has ended. From another origin use `fetch`, because `EventSource` cannot send a key.',
    access: 'key',
    parameters: [
      ID,
      {
        name: 'Last-Event-ID',
        in: 'header',
        description: 'The last event received. The stream continues after it.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: {
        description: 'The queue, one request, or its stream.',
        content: {
          'application/json': { schema: ['QueueOverview', 'QueueEntry'] },
          'text/event-stream': {
            description: 'Events with ids. Comments keep the connection open.',
            events: [
              { event: 'status', schema: 'QueueEntry' },
              { event: 'thinking', schema: 'ChatEvent' },
              { event: 'content', schema: 'ChatEvent' },
              { event: 'tool_calls', schema: 'ChatEvent' },
              { event: 'done', schema: 'ChatEvent' },
              { event: 'error', schema: 'ChatEvent' },
            ],
          },
        },
      },
      204: { description: 'The stream has ended, and all of it was received.' },
    },
    errorCodes: [...CHAT_ERROR_CODES, 'invalid_request'],
    examples: [
      { summary: 'The whole queue' },
      { summary: 'One request', query: { request_id: EXAMPLE_ID } },
      {
        summary: 'Follow a request',
        query: { request_id: EXAMPLE_ID },
        headers: { Accept: 'text/event-stream' },
      },
    ],
  },
  {
    id: 'cancel',
    tag: 'Queue',
    path: '/api/chat-queue',
    method: 'delete',
    summary: 'Cancel a queued or running request',
    description:
      'Its owner, the manager of the owner’s group and administrators may. For anyone else the request is not there.',
    access: 'key',
    parameters: [ID, CANCELLED_BY],
    responses: {
      200: { description: 'Cancelled.', content: { 'application/json': { schema: 'QueueCancelled' } } },
    },
    errorCodes: ['invalid_request', 'not_found', 'already_finished'],
    examples: [{ summary: 'Cancel a request (409 if it has ended)', query: { request_id: EXAMPLE_ID } }],
  },
  {
    id: 'listModels',
    tag: 'Models',
    path: '/api/models',
    method: 'get',
    summary: 'List models',
    description: 'Models of every configured provider, with size, context length and capabilities.',
    access: 'key',
    responses: { 200: { description: 'Models and providers.', content: { 'application/json': { schema: 'Models' } } } },
    errorCodes: ['provider_unavailable', 'upstream_failed', 'upstream_timeout'],
    examples: [{ summary: 'All models' }],
  },
];
