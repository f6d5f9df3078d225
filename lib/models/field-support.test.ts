import { describe, expect, it } from 'vitest';
import { checkFieldSupport } from '#lib/models/field-support';
import type { ModelRequest } from '#lib/models/provider';
import { PASSTHROUGH_FIELDS } from '#lib/wire/passthrough';
import type { ModelServerKind } from '#lib/wire/request-field-support';

const request: ModelRequest = { model: 'm', messages: [{ role: 'user', content: 'hello' }], options: {} };
const TOOLS = [{ type: 'function' as const, function: { name: 'look' } }];

/** The names that are refused, or what is reported. */
function review(server: ModelServerKind, fields: Partial<ModelRequest>): { refused: string[] } | readonly string[] {
  try {
    return checkFieldSupport(server, { ...request, ...fields });
  } catch (error) {
    expect(error).toMatchObject({ code: 'unsupported_parameter' });
    const { details } = error as { details: { field: string }[] };
    return { refused: details.map(({ field }) => field) };
  }
}

describe('the review of a request', () => {
  it('has nothing to say of a plain one', () => {
    for (const server of ['openai', 'ollama', 'embedded'] as const) expect(review(server, {})).toEqual([]);
  });

  it('refuses only the values that cannot be expressed', () => {
    for (const toolChoice of ['auto', 'none'] as const)
      expect(review('ollama', { tools: TOOLS, toolChoice })).toEqual([]);
    expect(review('ollama', { tools: TOOLS, parallelToolCalls: true })).toEqual([]);
    expect(review('ollama', { parallelToolCalls: false })).toEqual(['parallel_tool_calls']);
    expect(review('embedded', { logprobs: false })).toEqual([]);
    for (const server of ['ollama', 'embedded'] as const) {
      expect(review(server, { passthrough: { chat_template_kwargs: { enable_thinking: false } } })).toEqual([]);
      expect(review(server, { passthrough: { chat_template_kwargs: { thinking: 'a lot' } } })).toEqual({
        refused: ['chat_template_kwargs'],
      });
      expect(review(server, { think: false, passthrough: { reasoning_effort: 'none' } })).toEqual([]);
    }
  });

  it('names all that is refused at once', () => {
    const passthrough = { logit_bias: { 1: 5 }, grammar: 'root ::= "a"', user: 'ann' };
    expect(review('ollama', { tools: TOOLS, toolChoice: 'required', passthrough })).toEqual({
      refused: ['logit_bias', 'grammar', 'tool_choice'],
    });
    expect(review('openai', { tools: TOOLS, toolChoice: 'required', passthrough })).toEqual([]);
  });

  it('reports on an OpenAI-compatible server what only Ollama knows', () => {
    expect(review('openai', { think: true, keepAlive: 0, options: { num_ctx: 1, seed: 1, brand_new: 1 } })).toEqual([
      'options.num_ctx',
      'options.brand_new',
      'keep_alive',
      'think',
    ]);
    expect(review('openai', { think: 'low' })).toEqual([]);
    expect(review('openai', { think: false, passthrough: { reasoning_effort: 'none' } })).toEqual([]);
    // Ollama itself decides about names that are newer than this list.
    expect(review('ollama', { options: { brand_new: 1 } })).toEqual([]);
  });

  it('passes all of the passthrough to an OpenAI-compatible server', () => {
    const all = Object.fromEntries(PASSTHROUGH_FIELDS.map((field) => [field, 1]));
    expect(review('openai', { passthrough: all as NonNullable<ModelRequest['passthrough']> })).toEqual([]);
  });
});
