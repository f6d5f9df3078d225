import { VERSION } from '#lib/config/version';
import { HTTP_STATUS_BY_CODE } from '#lib/http/errors';
import { errorCodesOf, openApiDocument, passedResponse, responsesOf, templateOf } from '#lib/openapi/document';
import { ERROR_MEANINGS } from '#lib/openapi/error-meanings';
import type { Operation, OperationResponse, RequestExample } from '#lib/openapi/operation';
import { OPERATIONS, TAGS } from '#lib/openapi/operations';
import { type JsonSchema, SCHEMA_PREFIX } from '#lib/openapi/schemas';
import type {
  ExampleRequest,
  Reference,
  ReferenceField,
  ReferenceOperation,
  ReferenceResponse,
  TypePart,
} from '#lib/wire/api-reference';
import { ERROR_CODES } from '#lib/wire/error';

/** The address of this server for examples, and whether it needs a key. */
export interface ReferenceReader {
  origin: string;
  needsKey: boolean;
}

/** The OpenAPI document as the page /docs/api shows it. */
export function apiReference(reader: ReferenceReader): Reference {
  const { schemas } = openApiDocument().components;
  return {
    version: VERSION,
    groups: TAGS.map(([name, description]) => ({
      name,
      description,
      operations: OPERATIONS.filter(({ tag }) => tag === name).map((operation) => referenceOf(operation, reader)),
    })),
    errors: ERROR_CODES.map((code) => ({
      code,
      status: HTTP_STATUS_BY_CODE[code],
      meaning: ERROR_MEANINGS[code],
    })).toSorted((one, other) => one.status - other.status),
    schemas: Object.entries(schemas).map(([name, schema]) => ({ name, fields: fieldsOf(schema, '') })),
  };
}

/** The request that an example sends. */
export function exampleRequest(
  operation: Operation,
  { body, headers = {}, path, query }: RequestExample,
  reader: ReferenceReader,
): ExampleRequest {
  const filled = operation.path.replace(/\[(?:\.\.\.)?(\w+)\]/g, (_, name: string) => path?.[name] ?? name);
  const search = query === undefined ? '' : `?${new URLSearchParams(query)}`;
  return {
    method: operation.method.toUpperCase(),
    url: reader.origin + filled + search,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    needsKey: reader.needsKey && operation.access === 'key',
    isStream: isStreamed(operation, body, headers.Accept),
  };
}

const STREAM_TYPE = /event-stream|ndjson/;

/** Without a choice in the request, the response has the first type that the operation lists. */
function isStreamed({ responses }: Operation, body: object | undefined, accept: string | undefined): boolean {
  if (body !== undefined && 'stream' in body) return body.stream === true;
  const [type = ''] = Object.keys(responses[200]?.content ?? {});
  return STREAM_TYPE.test(accept ?? type);
}

function referenceOf(operation: Operation, reader: ReferenceReader): ReferenceOperation {
  const { id, method, path, summary, access, parameters = [], body, upload, examples, passesOn } = operation;
  const description = [operation.description, upload?.description].filter((part) => part !== undefined).join(' ');
  const responses = Object.entries(responsesOf(operation))
    .map(([status, response]) => toReferenceResponse(operation, status, response))
    .filter(({ status, contents }) => Number(status) < 400 || contents.length > 0);
  const backend: ReferenceResponse = {
    status: 'other',
    meaning: passedResponse(operation.tag),
    contents: [],
    headers: [],
  };
  return {
    id,
    method: method.toUpperCase(),
    path: templateOf(path),
    summary,
    description: description === '' ? undefined : description,
    needsKey: access === 'key',
    parameters: parameters.map(({ name, in: place, description: meaning }) => ({ name, place, meaning })),
    body: body === undefined ? undefined : { schemas: [body.schema].flat(), note: body.description },
    responses: passesOn === true ? [backend, ...responses] : responses,
    errorCodes: errorCodesOf(operation),
    examples: examples.map((example) => ({
      summary: example.summary,
      request: exampleRequest(operation, example, reader),
    })),
  };
}

/** Omits the schema of errors in the common format, which the top of the page describes. */
function toReferenceResponse(
  { errorSchema: errors = 'Error' }: Operation,
  status: string,
  { description: meaning, content = {}, headers = {} }: OperationResponse,
): ReferenceResponse {
  const contents = Object.entries(content)
    .filter(([, { schema }]) => Number(status) < 400 || schema !== errors)
    .map(([type, { schema, description: note, events = [] }]) => ({
      type,
      note,
      schemas: [schema ?? []].flat(),
      events: events.map((event) => ({ event: event.event, schema: event.schema })),
    }));
  return {
    status,
    meaning,
    contents,
    headers: Object.entries(headers).map(([name, sentence]) => ({ name, meaning: sentence })),
  };
}

/** The fields of an object. Those of a nested object follow it, with dotted names. */
function fieldsOf(schema: JsonSchema, prefix: string): ReferenceField[] {
  const required = new Set(schema.required);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const full = prefix + name;
    const inner = innerObject(field);
    return [
      { name: full, required: required.has(name), type: typeOf(field), meaning: field.description },
      ...(inner === undefined ? [] : fieldsOf(inner.schema, `${full}${inner.suffix}.`)),
    ];
  });
}

function innerObject(field: JsonSchema): { schema: JsonSchema; suffix: string } | undefined {
  if (field.properties !== undefined) return { schema: field, suffix: '' };
  if (field.items?.properties !== undefined) return { schema: field.items, suffix: '[]' };
  for (const choice of field.anyOf ?? []) {
    const inner = innerObject(choice);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** A type as text: `array of Message, up to 500`. */
function typeOf(schema: JsonSchema): TypePart[] {
  const { $ref, anyOf, oneOf, type, items, additionalProperties } = schema;
  if ($ref !== undefined) {
    const name = $ref.slice(SCHEMA_PREFIX.length);
    return [{ text: name, schema: name }];
  }
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) return separated(choices.map(typeOf));
  if (schema.enum !== undefined) return [{ text: schema.enum.map((value) => JSON.stringify(value)).join(' | ') }];
  if (schema.const !== undefined) return [{ text: JSON.stringify(schema.const) }];
  const types = [type ?? 'any'].flat();
  const [first] = types.filter((name) => name !== 'null');
  const orNull: TypePart[] = types.includes('null') && first !== undefined ? [{ text: ' or null' }] : [];
  if (first === 'array') return [{ text: 'array of ' }, ...typeOf(items ?? {}), ...bounds(schema), ...orNull];
  if (first === 'object' && typeof additionalProperties === 'object')
    return [{ text: 'object of ' }, ...typeOf(additionalProperties), ...orNull];
  return [{ text: format(schema) ?? first ?? 'null' }, ...bounds(schema), ...orNull];
}

function separated(types: TypePart[][]): TypePart[] {
  return types.flatMap((type, index) => (index === 0 ? type : [{ text: ' or ' }, ...type]));
}

function format({ format: name }: JsonSchema): string | undefined {
  return name === 'uuid' ? 'UUID' : name === 'base64' ? 'base64 string' : undefined;
}

function bounds(schema: JsonSchema): TypePart[] {
  const { minimum, maximum, maxLength, maxItems, default: fallback } = schema;
  const words: string[] = [];
  // zod limits integers to JavaScript's safe range, which is no information for readers.
  const isRelevant = (bound: number | undefined): bound is number =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER;
  if (isRelevant(minimum) && isRelevant(maximum)) words.push(`${minimum} to ${maximum}`);
  if (maxLength !== undefined) words.push(`at most ${maxLength} characters`);
  if (maxItems !== undefined) words.push(`up to ${maxItems}`);
  if (fallback !== undefined && typeof fallback !== 'object') words.push(`default ${JSON.stringify(fallback)}`);
  return words.length === 0 ? [] : [{ text: `, ${words.join(', ')}` }];
}
