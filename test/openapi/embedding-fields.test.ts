import { describe, expect, it } from 'vitest';
import { ollamaEmbeddingsSchema, ollamaEmbedSchema, openAiEmbeddingsSchema } from '#lib/wire/embeddings-request';
import {
  ollamaCopySchema,
  ollamaCreateSchema,
  ollamaDeleteSchema,
  ollamaTransferSchema,
} from '#lib/wire/ollama-management';
import { TypeDeclarations } from '../support/sdk-type-fields.ts';

/** Every field that the official SDKs declare for embeddings is one that this server reads. */

const OPENAI = new TypeDeclarations('node_modules/openai/resources/embeddings.d.ts');
const OLLAMA = new TypeDeclarations('node_modules/ollama/dist/browser.d.ts');

const fieldsOf = (types: TypeDeclarations, name: string) => [...(types.reachable(name, () => true).get(name) ?? [])];

describe('the fields of embedding requests', () => {
  it.each([
    ['EmbeddingCreateParams', OPENAI, openAiEmbeddingsSchema],
    ['EmbedRequest', OLLAMA, ollamaEmbedSchema],
    ['EmbeddingsRequest', OLLAMA, ollamaEmbeddingsSchema],
  ] as const)('has all of the SDK’s %s', (name, types, schema) => {
    const declared = fieldsOf(types, name);
    expect(declared.length).toBeGreaterThan(3);
    expect(declared.filter((field) => !Object.hasOwn(schema.shape, field))).toEqual([]);
  });
});

describe('the requests that manage models', () => {
  it.each([
    ['PullRequest', ollamaTransferSchema],
    ['PushRequest', ollamaTransferSchema],
    ['CreateRequest', ollamaCreateSchema],
    ['CopyRequest', ollamaCopySchema],
    ['DeleteRequest', ollamaDeleteSchema],
  ] as const)('%s keeps every field of the SDK', (name, schema) => {
    const declared = fieldsOf(OLLAMA, name);
    expect(declared.length).toBeGreaterThan(0);
    const request = Object.fromEntries(declared.map((field) => [field, undefined]));
    const named = { ...request, model: 'm', source: 'm', destination: 'n' };
    expect(Object.keys(schema.parse(named))).toEqual(expect.arrayContaining(declared));
  });
});
