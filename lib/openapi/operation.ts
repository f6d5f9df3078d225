import type { SchemaName } from '#lib/openapi/schemas';
import type { FaultCode } from '#lib/wire/error';

/** What is told of a route beside its schemas. `document.ts` makes OpenAPI out of it; a test holds it to the route files. */

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';
export type Tag = 'Chat' | 'Queue' | 'Models' | 'OpenAI' | 'Ollama' | 'Code' | 'Executors' | 'Operation' | 'Gateway';

/** `open` answers anyone; `key` asks for a key where API_KEYS is set. */
export type Access = 'open' | 'key';

export interface Parameter {
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
export interface Content {
  schema?: SchemaName | readonly SchemaName[];
  description?: string;
  events?: readonly StreamEvent[];
}

export interface Answer {
  description: string;
  content?: Readonly<Record<string, Content>>;
  headers?: Readonly<Record<string, string>>;
}

/** A request that works as it stands. Examples are sent in the order of the document. */
export interface Example {
  summary: string;
  body?: object;
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  path?: Readonly<Record<string, string>>;
}

export interface Operation {
  id: string;
  tag: Tag;
  path: string;
  method: Method;
  summary: string;
  description?: string;
  access: Access;
  parameters?: readonly Parameter[];
  body?: { schema: SchemaName | readonly SchemaName[]; description?: string };
  answers: Readonly<Record<number, Answer>>;
  /** What it can fail with, beside what `access` and `body` bring along. */
  faults?: readonly FaultCode[];
  /** The schema of its errors, where it is not our own. */
  errors?: SchemaName;
  /** Answers are the backend's own. */
  passesOn?: boolean;
  examples: readonly Example[];
}
