/** Data of the page /docs/api: the OpenAPI document in reading order. */
export interface Reference {
  version: string;
  groups: readonly ReferenceGroup[];
  errors: readonly ReferenceError[];
  schemas: readonly ReferenceSchema[];
}

export interface ReferenceGroup {
  name: string;
  description: string;
  operations: readonly ReferenceOperation[];
}

export interface ReferenceOperation {
  id: string;
  method: string;
  path: string;
  summary: string;
  description: string | undefined;
  needsKey: boolean;
  parameters: readonly { name: string; place: string; meaning: string }[];
  /** The body has one of these schemas. */
  body: { schemas: readonly string[]; note: string | undefined } | undefined;
  /** Those that are more than an error in the common format. */
  responses: readonly ReferenceResponse[];
  errorCodes: readonly string[];
  examples: readonly ReferenceExample[];
}

export interface ReferenceExample {
  summary: string;
  request: ExampleRequest;
}

/** A request that an example sends, from which the page writes it in several languages. */
export interface ExampleRequest {
  method: string;
  url: string;
  headers: Readonly<Record<string, string>>;
  /** JSON. */
  body?: string;
  needsKey: boolean;
  isStream: boolean;
}

/** An error in the common format. */
export interface ReferenceError {
  code: string;
  status: number;
  meaning: string;
}

export interface ReferenceResponse {
  status: string;
  meaning: string;
  contents: readonly {
    type: string;
    note: string | undefined;
    schemas: readonly string[];
    events: readonly { event: string | undefined; schema: string }[];
  }[];
  /** Without X-Request-Id, which every response has. */
  headers: readonly { name: string; meaning: string }[];
}

export interface ReferenceSchema {
  name: string;
  fields: readonly ReferenceField[];
}

export interface ReferenceField {
  /** Dotted path: `choices[].message.content`. */
  name: string;
  required: boolean;
  type: readonly TypePart[];
  meaning: string | undefined;
}

/** Part of a type's text. One with a `schema` links to that schema. */
export interface TypePart {
  text: string;
  schema?: string;
}
