import type { SchemaName } from '#lib/openapi/schemas';
import type { ErrorCode } from '#lib/wire/error';

/**
 * Description of a route apart from its schemas. `document.ts` turns it into OpenAPI, and a test
 * compares it with the route files.
 */

export type OperationMethod = 'get' | 'head' | 'post' | 'put' | 'patch' | 'delete';
export type OperationTag =
  | 'Chat'
  | 'Queue'
  | 'Models'
  | 'OpenAI'
  | 'Anthropic'
  | 'Ollama'
  | 'Code'
  | 'Executors'
  | 'Usage'
  | 'Accounts'
  | 'Administration'
  | 'Operation'
  | 'Administration'
  | 'Gateway';

/** `key` needs a key unless AUTH is none, `open` never does. */
export type OperationAccess = 'open' | 'key';

export interface OperationParameter {
  name: string;
  in: 'path' | 'query' | 'header';
  description: string;
  schema: object;
  /** Whether an example request sends it. */
  example?: string;
}

/** One kind of event of a stream: its name, if events have names, and its data. */
export interface StreamEvent {
  event?: string;
  schema: SchemaName;
}

/** Content of one media type: a named schema, or text with a description. */
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

/** A request that works as it is. Tests send the examples in the order of the document. */
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
  /** A body that is not JSON, and is streamed. */
  upload?: { types: readonly string[]; description: string };
  responses: Readonly<Record<number, OperationResponse>>;
  /** Errors in addition to those that follow from `access` and `body`. */
  errorCodes?: readonly ErrorCode[];
  /** The schema of its errors if it is not `Error`. */
  errorSchema?: SchemaName;
  /** Responses are the backend's, or the model server's. */
  passesOn?: boolean;
  /** The built-in model cannot serve it, so its examples need a model server. */
  needsModelServer?: boolean;
  /** It is for AUTH=accounts, so its examples need people. */
  needsAccounts?: boolean;
  examples: readonly RequestExample[];
}
