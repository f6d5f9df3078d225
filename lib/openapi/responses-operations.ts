import {
  CACHE_HEADER,
  CHAT_ERROR_CODES,
  DROP_PARAMS_HEADER,
  QUEUE_COMMENTS,
  REQUEST_POLICY_PARAMETERS,
} from '#lib/openapi/chat-operations';
import type { MediaContent, Operation, OperationParameter, StreamEvent } from '#lib/openapi/operation';
import type { SchemaName } from '#lib/openapi/schemas';
import { DELTA_EVENTS, DONE_EVENTS, ITEM_EVENTS, LIFE_CYCLE_EVENTS, PART_EVENTS } from '#lib/wire/responses-response';

/** OpenAI's Responses, served by the same chat engine. */

const HELLO = 'Say hello in five words.';
/** The responses that the examples create; the second one is deleted. */
const EXAMPLE_ID = '6f1c2b52-3c0f-4a0e-9d57-0b1f6a3c8e21';
const DELETED_ID = '6f1c2b52-3c0f-4a0e-9d57-0b1f6a3c8e22';
const EXAMPLE = { id: `resp_${EXAMPLE_ID}` };

const ID: OperationParameter = {
  name: 'id',
  in: 'path',
  description: 'The id of a stored response of the same caller: `resp_…`.',
  schema: { type: 'string' },
};

const query = (name: string, description: string, schema: object): OperationParameter => ({
  name,
  in: 'query',
  description,
  schema,
});

const named = (names: readonly string[], schema: SchemaName): StreamEvent[] =>
  names.map((event) => ({ event, schema }));

const STREAM: MediaContent = {
  description: `Events with names and numbers. ${QUEUE_COMMENTS}`,
  events: [
    ...named(LIFE_CYCLE_EVENTS, 'ResponsesLifeCycle'),
    ...named(ITEM_EVENTS, 'ResponsesItemEvent'),
    ...named(PART_EVENTS, 'ResponsesPartEvent'),
    ...named(DELTA_EVENTS, 'ResponsesDelta'),
    ...named(DONE_EVENTS, 'ResponsesDone'),
  ],
};

export const RESPONSES_OPERATIONS: readonly Operation[] = [
  {
    id: 'createResponse',
    tag: 'OpenAI',
    path: '/v1/responses',
    method: 'post',
    summary: 'Create a response (OpenAI)',
    description:
      'The official SDKs, their agents and tools work unchanged. The response is stored for its caller in the memory of this server (`RESPONSES_MAX_SIZE_MB`, `RESPONSES_TTL_SECONDS`) unless `store` is false.',
    access: 'key',
    parameters: REQUEST_POLICY_PARAMETERS,
    body: {
      schema: 'ResponsesRequest',
      description:
        'A field without a note is passed to every model server. Unknown fields are reported in `X-Ignored-Fields`.',
    },
    responses: {
      200: {
        description: 'A response, or with `"stream": true` its events.',
        content: { 'application/json': { schema: 'ResponsesResponse' }, 'text/event-stream': STREAM },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'OpenAiError',
    examples: [
      { summary: 'A response', body: { input: HELLO, temperature: 0 }, headers: { 'X-Request-Id': EXAMPLE_ID } },
      {
        summary: 'Streamed',
        body: { input: HELLO, temperature: 0, stream: true },
        headers: { 'X-Request-Id': DELETED_ID },
      },
      { summary: 'Continued', body: { input: 'Say it again.', previous_response_id: EXAMPLE.id } },
    ],
  },
  {
    id: 'getResponse',
    tag: 'OpenAI',
    path: '/v1/responses/[id]',
    method: 'get',
    summary: 'Get a stored response (OpenAI)',
    access: 'key',
    parameters: [
      ID,
      query('stream', '`true`: its events, also while it is generated.', { type: 'boolean' }),
      query('starting_after', 'Only the events after this number. With `stream`.', { type: 'integer' }),
    ],
    responses: {
      200: {
        description: 'The response as far as it has come.',
        content: { 'application/json': { schema: 'ResponsesResponse' }, 'text/event-stream': STREAM },
      },
    },
    errorCodes: ['invalid_request', 'not_found'],
    errorSchema: 'OpenAiError',
    examples: [
      { summary: 'A response', path: EXAMPLE },
      { summary: 'Its events', path: EXAMPLE, query: { stream: 'true' } },
    ],
  },
  {
    id: 'responseInputItems',
    tag: 'OpenAI',
    path: '/v1/responses/[id]/input_items',
    method: 'get',
    summary: 'List the items before a response (OpenAI)',
    description: 'Those of the responses that it continues are among them.',
    access: 'key',
    parameters: [
      ID,
      query('after', 'Begins after the item with this id.', { type: 'string' }),
      query('limit', 'Default 20.', { type: 'integer', minimum: 1, maximum: 100 }),
      query('order', '`desc` (default): the newest first. `asc`: the oldest.', { enum: ['asc', 'desc'] }),
    ],
    responses: { 200: { description: 'The items.', content: { 'application/json': { schema: 'ResponsesItems' } } } },
    errorCodes: ['invalid_request', 'not_found'],
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'The items', path: EXAMPLE, query: { order: 'asc' } }],
  },
  {
    id: 'cancelResponse',
    tag: 'OpenAI',
    path: '/v1/responses/[id]/cancel',
    method: 'post',
    summary: 'Cancel a response (OpenAI)',
    description: 'Ends its generation. A response that has ended is returned as it is.',
    access: 'key',
    parameters: [ID],
    responses: {
      200: { description: 'The response.', content: { 'application/json': { schema: 'ResponsesResponse' } } },
    },
    errorCodes: ['not_found', 'already_finished'],
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'One that has ended', path: EXAMPLE }],
  },
  {
    id: 'inputTokens',
    tag: 'OpenAI',
    path: '/v1/responses/input_tokens',
    method: 'post',
    summary: 'Count the tokens of an input (OpenAI)',
    description: 'The model reads the input and generates one token, so it takes its turn in the queue.',
    access: 'key',
    parameters: [DROP_PARAMS_HEADER],
    body: { schema: 'ResponsesTokens' },
    responses: {
      200: {
        description: 'The count.',
        content: { 'application/json': { schema: 'ResponsesTokenCount' } },
        headers: CACHE_HEADER,
      },
    },
    errorCodes: CHAT_ERROR_CODES,
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'A text', body: { input: HELLO } }],
  },
  {
    id: 'deleteResponse',
    tag: 'OpenAI',
    path: '/v1/responses/[id]',
    method: 'delete',
    summary: 'Delete a stored response (OpenAI)',
    description: 'Ends its generation too. What continues it cannot be continued any more.',
    access: 'key',
    parameters: [ID],
    responses: {
      200: { description: 'It is deleted.', content: { 'application/json': { schema: 'ResponsesDeleted' } } },
    },
    errorCodes: ['not_found', 'already_finished'],
    errorSchema: 'OpenAiError',
    examples: [{ summary: 'The streamed response', path: { id: `resp_${DELETED_ID}` } }],
  },
];
