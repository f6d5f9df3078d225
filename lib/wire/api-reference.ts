/** What the page /docs/api shows: the OpenAPI document in the order and the words in which it is read. */
export interface Reference {
  version: string;
  groups: readonly ReferenceGroup[];
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
  /** Schemas of which the body is one. */
  body: { schemas: readonly string[]; note: string | undefined } | undefined;
  responses: readonly ReferenceResponse[];
  examples: readonly { summary: string; curl: string }[];
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
}

export interface ReferenceSchema {
  name: string;
  fields: readonly ReferenceField[];
}

export interface ReferenceField {
  /** With dots for what is inside: `choices[].message.content`. */
  name: string;
  required: boolean;
  type: readonly TypePart[];
  meaning: string | undefined;
}

/** A piece of a type in words; one with a `schema` is the name of that. */
export interface TypePart {
  text: string;
  schema?: string;
}
