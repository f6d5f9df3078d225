import type { SchemaName } from '#lib/openapi/schemas';
import type { ErrorCode } from '#lib/wire/error';

/** What is told of a route beside its schemas. `document.ts` makes OpenAPI out of it; a test holds it to the route files. */

export type OperationMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type OperationTag =
  | 'Chat'
  | 'Queue'
  | 'Models'
  | 'OpenAI'
  | 'Ollama'
  | 'Code'
  | 'Executors'
  | 'Operation'
  | 'Gateway';

/** `open` answers anyone; `key` asks for a key where API_KEYS is set. */
export type OperationAccess = 'open' | 'key';

export interface OperationParameter {
  name: string;
  in: 'path' | 'query' | 'header';
  description: string;
  schema: object;
  /** Whether an example request sends it. */
  example?: string;
}

/** One event of a stream: how it is called where events have names, and what its data is. */
export interface StreamEvent {
  event?: string;
  schema: SchemaName;
}

/** Of one media type: a named schema, or text whose form is told in words. */
export interface MediaContent {
  schema?: SchemaName | readonly SchemaName[];
  description?: string;
  events?: readonly StreamEvent[];
}

export interface OperationResponse {
  description: string;
  content?: Readonly<Record<string, MediaContent>>;
  headers?: Readonly<Record<string, string>>;
}

/** A request that works as it stands. Examples are sent in the order of the document. */
export interface RequestExample {
  summary: string;
  body?: object;
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  path?: Readonly<Record<string, string>>;
}

export interface Operation {
  id: string;
  tag: OperationTag;
  path: string;
  method: OperationMethod;
  summary: string;
  description?: string;
  access: OperationAccess;
  parameters?: readonly OperationParameter[];
  body?: { schema: SchemaName | readonly SchemaName[]; description?: string };
  responses: Readonly<Record<number, OperationResponse>>;
  /** What it can fail with, beside what `access` and `body` bring along. */
  errorCodes?: readonly ErrorCode[];
  /** The schema of its errors, where it is not our own. */
  errorSchema?: SchemaName;
  /** Answers are the backend's own. */
  passesOn?: boolean;
  examples: readonly RequestExample[];
}
