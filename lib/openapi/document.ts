import { VERSION } from '#lib/config/version';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { SESSION_COOKIE } from '#lib/http/session-cookie';
import type {
  MediaContent,
  Operation,
  OperationParameter,
  OperationResponse,
  RequestExample,
} from '#lib/openapi/operation';
import { OPERATIONS, TAGS } from '#lib/openapi/operations';
import { type JsonSchema, jsonSchemas, SCHEMA_PREFIX, type SchemaName } from '#lib/openapi/schemas';
import { singleton } from '#lib/singletons';
import type { ErrorCode } from '#lib/wire/error';

export const JSON_TYPE = 'application/json';

export type OpenApiDocument = ReturnType<typeof createDocument>;

/** The OpenAPI 3.1 document of this server, created at the first call. */
export function openApiDocument(): OpenApiDocument {
  return singleton('openapi', createDocument);
}

/** Converts `[language]` and `[...path]` of a route folder to OpenAPI's `{language}`. */
export function templateOf(path: string): string {
  return path.replace(/\[(?:\.\.\.)?(\w+)\]/g, '{$1}');
}

/** All responses of an operation by status, including the errors that every operation has. */
export function responsesOf(operation: Operation): Record<string, OperationResponse> {
  const responses: Record<string, OperationResponse> = {};
  const content = { [JSON_TYPE]: { schema: operation.errorSchema ?? 'Error' } } satisfies Record<string, MediaContent>;
  const byStatus = Map.groupBy(errorCodesOf(operation), (code) => HTTP_STATUS_BY_CODE[code]);
  for (const [status, codes] of byStatus) {
    const waits = status === 429 || status === 503;
    responses[status] = {
      description: `${codes.map((code) => `\`${code}\``).join(', ')}.`,
      content,
      ...(waits ? { headers: { 'Retry-After': 'Seconds to wait before trying again.' } } : {}),
    };
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    const error = responses[status];
    // The status may also be that of an error, which is then described too.
    const merged = error === undefined ? response : { ...error, ...response, content: withError(response, operation) };
    responses[status] =
      error === undefined ? merged : { ...merged, description: `${response.description} Or ${error.description}` };
  }
  return responses;
}

/** The codes of all errors of an operation, in the order of their statuses. */
export function errorCodesOf(operation: Operation): ErrorCode[] {
  const codes = new Set<ErrorCode>(operation.errorCodes);
  if (operation.access === 'key')
    for (const code of ['unauthorized', 'forbidden', 'rate_limited'] as const) codes.add(code);
  if (operation.method !== 'get' && operation.method !== 'head') codes.add('origin_not_allowed');
  if (operation.body !== undefined) {
    for (const code of ['invalid_request', 'invalid_json', 'body_too_large', 'queue_full'] as const) codes.add(code);
    if (operation.tag !== 'Ollama') codes.add('unsupported_media_type');
  }
  codes.add('host_not_allowed');
  codes.add('internal_error');
  return [...codes].sort((a, b) => HTTP_STATUS_BY_CODE[a] - HTTP_STATUS_BY_CODE[b]);
}

function createDocument() {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of OPERATIONS) {
    const path = templateOf(operation.path);
    paths[path] = { ...paths[path], [operation.method]: operationObject(operation) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Chill Space',
      version: VERSION,
      summary: 'Chat, code and gateway of one self-hosted server.',
      description: [
        'Wire names are `snake_case`; requests may spell them in camelCase too. Unknown fields are ignored and, in chat requests, reported in `X-Ignored-Fields`; `null` is the same as omitting a field; wrong types are rejected.',
        'Every response has `X-Request-Id`: that of the request, if it sent a valid one. Every GET route also serves HEAD, every route OPTIONS; other methods get 405 with `Allow`.',
        'With `AUTH=keys`, the default where `API_KEYS` is set, and with `AUTH=accounts`, routes that need a key accept it as `Authorization: Bearer …`, as `x-api-key`, or as the cookie of a sign-in. After 20 different wrong keys within a minute an address gets 429 for the rest of it, except with a key that it has used before. What a key may do depends on its scopes, its models and the role of its owner: see `GET /api/me`.',
        'With `AUTH=none` the server accepts `localhost`, the addresses of its machine and the names in `ALLOWED_HOSTS`; a request for another host gets 421.',
      ].join('\n\n'),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'This server.' }],
    tags: TAGS.map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas: jsonSchemas(),
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'One of `API_KEYS`.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key', description: "As Anthropic's clients send it." },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: SESSION_COOKIE,
          description: 'Set by POST /api/session. Behind TLS its name is `__Host-chill_space_session`.',
        },
      },
    },
  };
}

function operationObject(operation: Operation) {
  const { id, tag, summary, description, access, parameters = [], body, upload, examples, passesOn } = operation;
  const responses: Record<string, object> = {};
  for (const [status, response] of Object.entries(responsesOf(operation))) responses[status] = responseObject(response);
  if (passesOn === true) responses.default = { description: passedResponse(tag) };
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    // The empty requirement is for servers without API_KEYS. A backend may have its own x-api-key.
    security:
      access === 'open' ? [] : [{}, { key: [] }, ...(passesOn === true ? [] : [{ apiKey: [] }]), { session: [] }],
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(parameterObject) }),
    ...(body === undefined ? {} : { requestBody: bodyObject(body, examples) }),
    ...(upload === undefined ? {} : { requestBody: uploadObject(upload) }),
    responses,
  };
}

/** What the response of an operation that passes requests on is. */
export function passedResponse(tag: Operation['tag']): string {
  return `The response of the ${tag === 'Gateway' ? 'backend' : 'model server'}, unchanged.`;
}

function uploadObject({ types, description }: NonNullable<Operation['upload']>) {
  const content = Object.fromEntries(types.map((type) => [type, {}]));
  return { required: true, description, content };
}

function parameterObject({ name, in: place, description, schema }: OperationParameter) {
  return { name, in: place, description, schema, ...(place === 'path' ? { required: true } : {}) };
}

function bodyObject(body: NonNullable<Operation['body']>, examples: readonly RequestExample[]) {
  const shown = examples.flatMap((example) =>
    example.body === undefined ? [] : [[example.summary, { summary: example.summary, value: example.body }] as const],
  );
  return {
    required: true,
    ...(body.description === undefined ? {} : { description: body.description }),
    content: {
      [JSON_TYPE]: {
        schema: schemaObject(body.schema),
        examples: Object.fromEntries(
          shown.map(([summary, example]) => [summary.toLowerCase().replace(/\W+/g, '-'), example]),
        ),
      },
    },
  };
}

function responseObject({ description, content, headers }: OperationResponse) {
  const withId = { ...headers, 'X-Request-Id': 'Id of this request in the log.' };
  return {
    description,
    headers: Object.fromEntries(
      Object.entries(withId).map(([name, meaning]) => [name, { description: meaning, schema: { type: 'string' } }]),
    ),
    ...(content === undefined
      ? {}
      : { content: Object.fromEntries(Object.entries(content).map(([type, of]) => [type, mediaObject(of)])) }),
  };
}

/** OpenAPI 3.1 describes a stream as text, so its events are listed in `x-events`. */
function mediaObject({ schema, description, events }: MediaContent) {
  const text = { type: 'string', ...(description === undefined ? {} : { description }) };
  return {
    schema: schema === undefined ? text : schemaObject(schema),
    ...(events === undefined
      ? {}
      : { 'x-events': events.map((event) => ({ ...event, schema: schemaObject(event.schema) })) }),
  };
}

function schemaObject(name: SchemaName | readonly SchemaName[]): JsonSchema {
  return typeof name === 'string'
    ? { $ref: SCHEMA_PREFIX + name }
    : { anyOf: name.map((choice) => ({ $ref: SCHEMA_PREFIX + choice })) };
}

function withError(
  { content }: OperationResponse,
  { errorSchema: errors = 'Error' }: Operation,
): Record<string, MediaContent> {
  const json = content?.[JSON_TYPE]?.schema ?? [];
  const schema = [...new Set([json, errors].flat())];
  return { ...content, [JSON_TYPE]: { schema } };
}
