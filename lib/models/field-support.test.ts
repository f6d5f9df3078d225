import { describe, expect, it } from 'vitest';
import { EMBEDDED_FIELD_RULES } from '#lib/models/embedded/provider';
import { checkFieldSupport } from '#lib/models/field-support';
import { OLLAMA_FIELD_RULES } from '#lib/models/ollama/provider';
import { OPENAI_FIELD_RULES } from '#lib/models/openai/provider';
import type { ModelRequest } from '#lib/models/provider';
import type { ProviderId } from '#lib/wire/models';
import { PASSTHROUGH_FIELDS } from '#lib/wire/passthrough';

const request: ModelRequest = { model: 'm', messages: [{ role: 'user', content: 'hello' }], options: {} };
const RULES = { ollama: OLLAMA_FIELD_RULES, openai: OPENAI_FIELD_RULES, embedded: EMBEDDED_FIELD_RULES };
const TOOLS = [{ type: 'function' as const, function: { name: 'look' } }];

/** The rejected fields, or the ignored ones. */
function check(server: ProviderId, fields: Partial<ModelRequest>): { rejected: string[] } | readonly string[] {
  try {
    return checkFieldSupport(RULES[server], { ...request, ...fields });
  } catch (error) {
    expect(error).toMatchObject({ code: 'unsupported_parameter' });
    const { details } = error as { details: { field: string }[] };
    return { rejected: details.map(({ field }) => field) };
  }
}

describe('checkFieldSupport', () => {
  it('reports nothing for a plain request', () => {
    for (const server of ['openai', 'ollama', 'embedded'] as const) expect(check(server, {})).toEqual([]);
  });

  it('rejects only values that the provider cannot express', () => {
    for (const toolChoice of ['auto', 'none'] as const)
      expect(check('ollama', { tools: TOOLS, toolChoice })).toEqual([]);
    expect(check('ollama', { tools: TOOLS, parallelToolCalls: true })).toEqual([]);
    expect(check('ollama', { parallelToolCalls: false })).toEqual(['parallel_tool_calls']);
    expect(check('embedded', { logprobs: false })).toEqual([]);
    for (const server of ['ollama', 'embedded'] as const) {
      expect(check(server, { passthrough: { chat_template_kwargs: { enable_thinking: false } } })).toEqual([]);
      expect(check(server, { passthrough: { chat_template_kwargs: { thinking: 'a lot' } } })).toEqual({
        rejected: ['chat_template_kwargs'],
      });
      expect(check(server, { think: false, passthrough: { reasoning_effort: 'none' } })).toEqual([]);
    }
  });

  it('names all rejected fields at once', () => {
    const passthrough = { logit_bias: { 1: 5 }, grammar: 'root ::= "a"', user: 'ann' };
    expect(check('ollama', { tools: TOOLS, toolChoice: 'required', passthrough })).toEqual({
      rejected: ['logit_bias', 'grammar', 'tool_choice'],
    });
    expect(check('openai', { tools: TOOLS, toolChoice: 'required', passthrough })).toEqual([]);
  });

  it('reports fields of Ollama alone on an OpenAI-compatible server', () => {
    expect(check('openai', { think: true, keepAlive: 0, options: { num_ctx: 1, seed: 1, brand_new: 1 } })).toEqual([
      'options.num_ctx',
      'options.brand_new',
      'keep_alive',
      'think',
    ]);
    expect(check('openai', { think: 'low' })).toEqual([]);
    expect(check('openai', { think: false, passthrough: { reasoning_effort: 'none' } })).toEqual([]);
    // Ollama itself decides about names that are newer than this list.
    expect(check('ollama', { options: { brand_new: 1 } })).toEqual([]);
  });

  it('passes every passthrough field to an OpenAI-compatible server', () => {
    const all = Object.fromEntries(PASSTHROUGH_FIELDS.map((field) => [field, 1]));
    expect(check('openai', { passthrough: all as NonNullable<ModelRequest['passthrough']> })).toEqual([]);
  });
});
