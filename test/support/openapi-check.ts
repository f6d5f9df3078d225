import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { openApiDocument, responsesOf } from '#lib/openapi/document';
import type { MediaContent, Operation } from '#lib/openapi/operation';
import { SCHEMA_PREFIX, type SchemaName } from '#lib/openapi/schemas';

/** Holds responses against the document, by its own JSON Schemas. */

export interface Received {
  status: number;
  type: string;
  text: string;
  /** Reports a response that its caller cut short as one without an end. */
  cut?: boolean;
}

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { base64: true } });
formats.default(ajv);
ajv.addSchema({ $id: 'chill-space', ...openApiDocument() });

function validator(name: SchemaName): ValidateFunction {
  const found = ajv.getSchema(`chill-space${SCHEMA_PREFIX}${name}`);
  if (found === undefined) throw new Error(`there is no schema ${name}`);
  return found;
}

export function isValid(name: SchemaName, value: unknown): boolean {
  return validator(name)(value);
}

/** What is wrong with a response: a status, a type or a shape that the document does not have. */
export function complaints(operation: Operation, { status, type, text, cut }: Received): string[] {
  const response = responsesOf(operation)[String(status)];
  if (response === undefined) return [`the status ${status} is not documented: ${text.slice(0, 300)}`];
  if (response.content === undefined) return text === '' ? [] : ['a body is not documented'];
  const media = type.split(';')[0]?.trim() ?? '';
  const content = response.content[media];
  if (content === undefined) return [`${status} as ${media} is not documented`];
  if (content.events !== undefined) return streamComplaints(content, media, text, cut === true);
  if (content.schema === undefined) return [];
  return mismatch([content.schema].flat(), JSON.parse(text));
}

function streamComplaints(content: MediaContent, media: string, text: string, cut: boolean): string[] {
  const parts = text.split(media === 'text/event-stream' ? '\n\n' : '\n');
  // What stands behind the last separator is nothing, or was still on its way.
  const rest = parts.pop() ?? '';
  if (rest !== '' && !cut) return [`the stream ends in the middle of ${JSON.stringify(rest)}`];
  return parts.flatMap((part) => {
    const event = /^event: (.*)$/m.exec(part)?.[1];
    const data = media === 'text/event-stream' ? /^data: (.*)$/m.exec(part)?.[1] : part;
    if (data === undefined || data === '[DONE]') return [];
    const known = content.events?.filter((one) => one.event === event).map(({ schema }) => schema) ?? [];
    return known.length === 0 ? [`the event ${event} is not documented`] : mismatch(known, JSON.parse(data));
  });
}

function mismatch(names: readonly SchemaName[], value: unknown): string[] {
  if (names.some((name) => isValid(name, value))) return [];
  const errors = names.map((name) => `${name}: ${ajv.errorsText(validator(name).errors)}`);
  return [`${JSON.stringify(value).slice(0, 300)} is none of ${errors.join('; ')}`];
}

/** The address of an operation with its parameters filled in. */
export function addressOf(
  operation: Operation,
  path: Readonly<Record<string, string>> = {},
  query: Readonly<Record<string, string>> = {},
): string {
  const filled = operation.path.replace(/\[(\.\.\.)?(\w+)\]/g, (_, rest, name: string) => {
    const value = path[name] ?? '';
    return rest === undefined ? encodeURIComponent(value) : value.split('/').map(encodeURIComponent).join('/');
  });
  const search = new URLSearchParams(query).toString();
  return search === '' ? filled : `${filled}?${search}`;
}
