import { describe, expect, it } from 'vitest';
import { ANTHROPIC_FIELDS, ANTHROPIC_REFUSED_TYPES } from '#lib/wire/anthropic-field-support';
import { COMPLETION_FIELDS } from '#lib/wire/completion-field-support';
import { PASSTHROUGH_FIELDS } from '#lib/wire/passthrough';
import { type FieldSupportByServer, OLLAMA_FIELDS, OPENAI_FIELDS } from '#lib/wire/request-field-support';
import { REFUSED_RESPONSES_TYPES, RESPONSES_FIELDS } from '#lib/wire/responses-field-support';
import { TypeDeclarations } from '../support/sdk-type-fields.ts';

/** The table of request fields has a row for each field of the official SDKs' requests. */

const OPENAI_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/chat/completions/completions.d.ts',
  'node_modules/openai/resources/shared.d.ts',
);
const COMPLETION_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/completions.d.ts',
  'node_modules/openai/resources/chat/completions/completions.d.ts',
);
const RESPONSES_TYPES = new TypeDeclarations(
  'node_modules/openai/resources/responses/responses.d.ts',
  'node_modules/openai/resources/shared.d.ts',
);
const OLLAMA_TYPES = new TypeDeclarations('node_modules/ollama/dist/browser.d.ts');

const ANTHROPIC_TYPES = new TypeDeclarations('node_modules/@anthropic-ai/sdk/resources/messages/messages.d.ts');
const ANTHROPIC_BETA_TYPES = new TypeDeclarations(
  'node_modules/@anthropic-ai/sdk/resources/beta/messages/messages.d.ts',
);

type Table = Readonly<Record<string, Readonly<Record<string, FieldSupportByServer>>>>;

/**
 * Fields that are sent on whole, or not at all: what is inside them is nothing to decide about.
 */
const WHOLE = new Set<string>([...PASSTHROUGH_FIELDS, 'tool_choice', 'parameters']);

/** Fields of the SDK's types that the table does not have, and types that it does not have. */
function unclassified(declared: Map<string, Set<string>>, table: Table): string[] {
  return [...declared].flatMap(([type, fields]) =>
    [...fields].filter((field) => table[type]?.[field] === undefined).map((field) => `${type}.${field}`),
  );
}

function stopAt(table: Table) {
  return (type: string, field: string) => {
    const uses = table[type]?.[field];
    return (
      WHOLE.has(field) || (uses !== undefined && uses.openai === uses.ollama && /refused|no effect/.test(uses.ollama))
    );
  };
}

describe('the table of request fields', () => {
  it('has every field of the openai SDK’s requests', () => {
    const declared = OPENAI_TYPES.reachable('ChatCompletionCreateParamsBase', stopAt(OPENAI_FIELDS));
    expect(declared.get('ChatCompletionCreateParamsBase')?.size).toBeGreaterThan(30);
    expect(declared.get('FunctionDefinition')).toEqual(new Set(['name', 'description', 'parameters', 'strict']));
    expect(unclassified(declared, OPENAI_FIELDS)).toEqual([]);
  });

  it('has every field of the openai SDK’s completions of a text', () => {
    const declared = COMPLETION_TYPES.reachable('CompletionCreateParamsBase', stopAt(COMPLETION_FIELDS));
    expect(declared.get('CompletionCreateParamsBase')?.size).toBeGreaterThan(16);
    expect(declared.get('ChatCompletionStreamOptions')).toEqual(new Set(['include_obfuscation', 'include_usage']));
    expect(unclassified(declared, COMPLETION_FIELDS)).toEqual([]);
  });

  it('has every field of the openai SDK’s requests of responses', () => {
    const refused = new Set(Object.values(REFUSED_RESPONSES_TYPES).flatMap((types) => Object.keys(types)));
    const stop = (type: string, field: string) => {
      const uses = (RESPONSES_FIELDS as Table)[type]?.[field];
      const isUnused = uses !== undefined && uses.openai === uses.ollama && /refused|no effect/.test(uses.ollama);
      return refused.has(type) || WHOLE_IN_RESPONSES.has(field) || isUnused;
    };
    const declared = RESPONSES_TYPES.reachable('ResponseCreateParamsBase', stop);
    expect(declared.get('ResponseCreateParamsBase')?.size).toBeGreaterThan(30);
    expect(declared.size).toBeGreaterThan(60);
    for (const type of refused) {
      expect(declared.has(type), type).toBe(true);
      declared.delete(type);
    }
    expect(unclassified(declared, RESPONSES_FIELDS)).toEqual([]);
  });

  it.each(['ChatRequest', 'GenerateRequest'])('has every field of the ollama SDK’s %s', (request) => {
    const declared = OLLAMA_TYPES.reachable(request, stopAt(OLLAMA_FIELDS));
    expect(declared.get('Options')?.size).toBeGreaterThan(25);
    expect(unclassified(declared, OLLAMA_FIELDS)).toEqual([]);
  });

  it('has every field of the Anthropic SDK’s requests, or refuses its type', () => {
    const refused = new Set<string>(Object.values(ANTHROPIC_REFUSED_TYPES).flat());
    const [stop, whole] = [stopAt(ANTHROPIC_FIELDS), new Set(['input', 'input_schema', 'schema'])];
    const isNotFollowed = (type: string, field: string) =>
      refused.has(type) || whole.has(field) || (field !== 'tool_choice' && stop(type, field));
    const declared = ANTHROPIC_TYPES.reachable('MessageCreateParamsBase', isNotFollowed);
    expect(declared.get('MessageCreateParamsBase')?.size).toBeGreaterThan(18);
    expect([...refused].filter((type) => !declared.has(type))).toEqual([]);
    for (const type of refused) declared.delete(type);
    expect(unclassified(declared, ANTHROPIC_FIELDS)).toEqual([]);
    expect(Object.keys(ANTHROPIC_FIELDS).filter((type) => !declared.has(type))).toEqual([]);
  });

  it('has every field of the Anthropic SDK’s counts of tokens, and of its beta', () => {
    const counts = ANTHROPIC_TYPES.reachable('MessageCountTokensParams', () => true).get('MessageCountTokensParams');
    const beta = ANTHROPIC_BETA_TYPES.reachable('MessageCreateParamsBase', () => true).get('MessageCreateParamsBase');
    expect([counts?.size, beta?.size].every((size = 0) => size > 8)).toBe(true);
    const known = Object.keys(ANTHROPIC_FIELDS.MessageCreateParamsBase);
    expect([...(counts ?? []), ...(beta ?? [])].filter((field) => !known.includes(field))).toEqual([]);
  });

  it('is found incomplete when an SDK has a field that it lacks', () => {
    const { num_ctx: _, ...options } = OLLAMA_FIELDS.Options;
    const table = { ...OLLAMA_FIELDS, Options: options };
    expect(unclassified(OLLAMA_TYPES.reachable('ChatRequest', stopAt(table)), table)).toEqual(['Options.num_ctx']);
  });
});

/** What is inside these is sent on whole, or has no effect. */
const WHOLE_IN_RESPONSES = new Set([
  'parameters',
  'schema',
  'metadata',
  'prompt_cache_options',
  'annotations',
  'logprobs',
]);
