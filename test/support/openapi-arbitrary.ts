import fc from 'fast-check';
import { openApiDocument } from '#lib/openapi/document';
import type { Operation } from '#lib/openapi/operation';
import { type JsonSchema, SCHEMA_PREFIX } from '#lib/openapi/schemas';

/** Requests as somebody might send them who has read the document, or has not. */

export interface Sent {
  path: Record<string, string>;
  query: Record<string, string>;
  headers: Record<string, string>;
  body: string | null;
}

const MAX_DEPTH = 3;
const document = openApiDocument();

/** Any request of `operation`; `fixed` are fields of a body that the caller wants to choose. */
export function requestOf(
  operation: Operation,
  fixed: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): fc.Arbitrary<Sent> {
  const parameters = operation.parameters ?? [];
  const places = (place: 'path' | 'query') => {
    const names = parameters.filter((one) => one.in === place).map(({ name }) => name);
    const value = fc.oneof(word(), fc.constantFrom('python', 'javascript', 'default-model', UUID), fc.uuid());
    const all = Object.fromEntries(names.map((name) => [name, value]));
    return fc.record(all, { requiredKeys: place === 'path' ? names : [] });
  };
  return fc.record({
    path: places('path'),
    query: places('query'),
    headers: headers(operation),
    body: operation.body === undefined ? fc.constant(null) : body(operation, fixed),
  });
}

/** Several requests share it, so that they meet one another. */
const UUID = '9b2ffa1c-57f4-4c8e-9f0a-0d7a4f3e5b11';

function headers(operation: Operation): fc.Arbitrary<Record<string, string>> {
  const sane = operation.body === undefined ? {} : { 'content-type': 'application/json' };
  const header = fc.string({ unit: fc.constantFrom(...'abc019-._:;=,/*"%'), maxLength: 30 });
  const odd = fc.record(
    {
      'content-type': fc.constantFrom('application/json', 'application/json; charset=latin1', 'text/plain', ''),
      accept: fc.constantFrom('text/event-stream', 'application/json', '*/*'),
      'x-request-id': fc.oneof(fc.constant(UUID), fc.uuid(), header),
      'last-event-id': fc.oneof(fc.nat().map(String), header),
      'idempotency-key': fc.oneof(fc.constant('one'), header),
      'cache-control': fc.constantFrom('no-cache', 'max-age=0'),
      origin: fc.constantFrom('http://localhost:3000', 'https://elsewhere.example', 'null'),
      authorization: header,
      cookie: header,
    },
    { requiredKeys: [] },
  );
  // Most are right, or nothing but the checks of headers would ever be reached.
  return fc
    .oneof({ weight: 4, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: odd })
    .map((some) => ({ ...sane, ...some }));
}

function body(operation: Operation, fixed: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<string> {
  const names = [operation.body?.schema ?? []].flat();
  const schemas = names.map((name) => ofSchema({ $ref: SCHEMA_PREFIX + name }, 0));
  const valid = fc
    .tuple(fc.oneof(...schemas), fc.record(fixed, { requiredKeys: Object.keys(fixed) }))
    .map(([value, chosen]) => (isObject(value) ? { ...value, ...chosen } : value));
  const oneWrong = fc
    .tuple(valid, fc.nat(20), anyJson(1))
    .map(([value, at, other]) => (isObject(value) ? withOther(value, at, other) : value));
  return fc.oneof(
    { weight: 5, arbitrary: valid.map((value) => JSON.stringify(value)) },
    { weight: 4, arbitrary: oneWrong.map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: anyJson(0).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  );
}

function withOther(value: object, at: number, other: unknown): object {
  const names = Object.keys(value);
  const name = names[at % Math.max(1, names.length)];
  return name === undefined ? value : { ...value, [name]: other };
}

/** What a schema allows, and at its bounds rather than far away from them. */
function ofSchema(schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, type } = schema;
  if ($ref !== undefined) return ofSchema(document.components.schemas[$ref.slice(SCHEMA_PREFIX.length)] ?? {}, depth);
  if (anyOf !== undefined || oneOf !== undefined)
    return fc.oneof(...(anyOf ?? oneOf ?? []).map((one) => ofSchema(one, depth)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if ('const' in schema) return fc.constant(schema.const);
  const types = type === undefined ? [] : [type].flat();
  if (types.length === 0) return anyJson(depth);
  return fc.oneof(...types.map((one) => ofType(one, schema, depth)));
}

function ofType(type: string, schema: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: schema.minimum ?? -100, max: schema.maximum ?? 100 });
    case 'number':
      return fc.double({ min: schema.exclusiveMinimum ?? schema.minimum ?? -1e6, max: 1e6, noNaN: true });
    case 'array':
      return fc.array(ofSchema(schema.items ?? {}, depth + 1), {
        minLength: schema.minItems ?? 0,
        maxLength: depth >= MAX_DEPTH ? (schema.minItems ?? 0) : 3,
      });
    case 'object':
      return objectOf(schema, depth);
    default:
      return textOf(schema);
  }
}

function objectOf({ properties, required = [], additionalProperties }: JsonSchema, depth: number) {
  if (properties === undefined) {
    if (depth >= MAX_DEPTH) return fc.constant({});
    const values =
      typeof additionalProperties === 'object' ? ofSchema(additionalProperties, depth + 1) : anyJson(depth);
    return fc.dictionary(fc.string({ maxLength: 8 }), values, { maxKeys: 3 });
  }
  const fields = Object.entries(properties).map(([name, field]) => [name, ofSchema(field, depth + 1)] as const);
  return fc.record(Object.fromEntries(fields), { requiredKeys: required });
}

function textOf({ format, minLength = 0, maxLength = 40 }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'uuid') return fc.oneof(fc.constant(UUID), fc.uuid());
  if (format === 'base64') return fc.base64String({ maxLength: 16 });
  const bounds = { minLength, maxLength: Math.min(maxLength, 40) };
  return fc.oneof(
    fc.string(bounds),
    fc.string({ ...bounds, unit: 'binary' }),
    fc.constantFrom('default-model', 'json'),
  );
}

/**
 * Of a path's segments: what URL parsers take for another path, or for none, is not a request of
 * this operation.
 */
function word(): fc.Arbitrary<string> {
  return fc
    .oneof(
      fc.string({ minLength: 1, maxLength: 12 }),
      fc.constantFrom('...', 'a/b', '%', '%2e%2e', '\u0000', '__proto__'),
    )
    .filter((text) => text.split('/').every((segment) => !['', '.', '..'].includes(segment)));
}

function anyJson(depth: number): fc.Arbitrary<unknown> {
  return fc.jsonValue({ maxDepth: Math.max(0, 2 - depth) });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
