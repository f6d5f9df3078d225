import type {
  MediaContent,
  Operation,
  OperationParameter,
  OperationResponse,
  RequestExample,
} from '#lib/openapi/operation';
import type { ErrorCode } from '#lib/wire/error';

/** Errors of chat requests in all APIs. */
export const CHAT_ERROR_CODES: readonly ErrorCode[] = [
  'rate_limited',
  'not_found',
  'model_not_found',
  'unsupported_parameter',
  'unsupported_value',
  'cancelled',
  'upstream_failed',
  'upstream_truncated',
  'queue_full',
  'provider_unavailable',
  'not_configured',
  'shutting_down',
  'upstream_timeout',
];

export const CACHE_HEADER = {
  'X-Cache': 'hit, miss, joined or bypass.',
  'X-Ignored-Fields':
    'Fields of the request that had no effect: unknown ones (with the name that was probably meant), and those that the model server has nothing for. At most 20; left out where there are none.',
};

const CHAT_STREAM: MediaContent = {
  description:
    'Only `data: {json}` lines and blank lines. Every 15 s without another event, `{"done":false,"cached":false}`.',
  events: [{ schema: 'ChatEvent' }],
};

const CHAT_RESPONSE: OperationResponse = {
  description: 'The answer: a stream, or with `"stream": false` one JSON body.',
  content: { 'text/event-stream': CHAT_STREAM, 'application/json': { schema: 'ChatAnswer' } },
  headers: CACHE_HEADER,
};

const BYPASS_CACHE: OperationParameter = {
  name: 'Cache-Control',
  in: 'header',
  description: '`no-cache`: do not read the cache, do store the new answer.',
  schema: { type: 'string' },
};

const CHAT_EXAMPLES: readonly RequestExample[] = [
  {
    summary: 'A whole answer as JSON',
    body: { messages: [{ role: 'user', content: 'Say hello in five words.' }], stream: false },
  },
  {
    summary: 'The same as a stream',
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
    parameters: [BYPASS_CACHE],
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

export const CHAT_OPERATIONS: readonly Operation[] = [
  chat(
    '/api/chat-optimized',
    'chat',
    'Chat, through cache, coalescing and queue',
    'Identical requests share one call of the model; answers are kept; what the model has no place for waits in a queue that shows its position. With `request_id`, attaches to a request that was queued or is running. A client that goes away has `DISCONNECT_GRACE_MS` to come back.',
  ),
  chat(
    '/api/chat-stream',
    'chatStream',
    'Chat: another name of /api/chat-optimized',
    'For clients that know the older name.',
  ),
  {
    id: 'enqueue',
    tag: 'Queue',
    path: '/api/chat-queue',
    method: 'post',
    summary: 'Put a request into the queue',
    description:
      'It runs to its end without any listener. Its id is that of the `X-Request-Id` header, where that is a UUID that no other request has; the answer’s `X-Request-Id` is always the request’s id. Callers take turns; in a full queue the newest request of the caller with most gives way to one who has less, and ends with `queue_full`. The result is kept for `QUEUE_RESULT_TTL_SECONDS`.',
    access: 'key',
    parameters: [
      {
        name: 'Idempotency-Key',
        in: 'header',
        description:
          'A second request with the same key and body is the same request, as long as the result of the first is kept.',
        schema: { type: 'string' },
      },
      BYPASS_CACHE,
    ],
    body: { schema: 'ChatRequest', description: '`stream` means nothing here.' },
    responses: {
      202: {
        description: 'It waits, or runs, or is already completed out of the cache.',
        content: { 'application/json': { schema: 'QueueSubmitted' } },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: [...CHAT_ERROR_CODES, 'idempotency_conflict'],
    examples: [
      {
        summary: 'Submit under an id of your own',
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
    summary: 'Look at the queue, or at one request, or follow it',
    description:
      'Without an id: the whole queue. With one: how that request stands, and its answer once it is complete. With an id and `Accept: text/event-stream`: the live stream, which `Last-Event-ID` resumes without loss or repeat; 204 says that there is nothing more to come. A page of another origin reads it with `fetch`: `EventSource` cannot send a key.',
    access: 'key',
    parameters: [
      ID,
      {
        name: 'Last-Event-ID',
        in: 'header',
        description: 'The last event that was seen; the stream goes on after it.',
        schema: { type: 'string' },
      },
    ],
    responses: {
      200: {
        description: 'The queue, one request, or its stream.',
        content: {
          'application/json': { schema: ['QueueOverview', 'QueueEntry'] },
          'text/event-stream': {
            description: 'Events with ids; comments keep the connection.',
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
      204: { description: 'Everything up to the end was seen already.' },
    },
    errorCodes: [...CHAT_ERROR_CODES, 'invalid_request'],
    examples: [
      { summary: 'The whole queue' },
      { summary: 'One request', query: { request_id: EXAMPLE_ID } },
      {
        summary: 'Follow it',
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
    summary: 'Cancel a request, waiting or running',
    access: 'key',
    parameters: [ID],
    responses: {
      200: { description: 'Cancelled.', content: { 'application/json': { schema: 'QueueCancelled' } } },
    },
    errorCodes: ['invalid_request', 'not_found', 'already_finished'],
    examples: [{ summary: 'Cancel; 409 where it has ended', query: { request_id: EXAMPLE_ID } }],
  },
  {
    id: 'listModels',
    tag: 'Models',
    path: '/api/models',
    method: 'get',
    summary: 'What there is to choose',
    description: 'From every configured provider, with size, context length and capabilities.',
    access: 'key',
    responses: { 200: { description: 'Models and providers.', content: { 'application/json': { schema: 'Models' } } } },
    errorCodes: ['provider_unavailable', 'upstream_failed', 'upstream_timeout'],
    examples: [{ summary: 'All models' }],
  },
];
