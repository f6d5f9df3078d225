import { describe, expect, it } from 'vitest';
import { chatRequestSchema, readToolArguments, toolCallSchema } from '#lib/wire/chat';
import { ollamaChatSchema } from '#lib/wire/ollama-request';
import { openAiRequestSchema } from '#lib/wire/openai-request';

const ODD = '{"__proto__":{"x":1},"constructor":1,"prototype":[{"__proto__":2}],"a":{"__proto__":{"b":3}}}';
/** Settings are assigned to other objects, where a `__proto__` would set a prototype. */
const SETTINGS = '{"constructor":1,"prototype":[{"__proto__":2}],"a":{"__proto__":{"b":3}}}';
const odd = () => JSON.parse(ODD);
const messages = [{ role: 'user', content: 'x' }];
const tools = () => [{ type: 'function', function: { name: 'f', parameters: odd() } }];

describe('JSON objects of callers', () => {
  it('keep every key in the arguments that a model writes', () => {
    expect(JSON.stringify(readToolArguments(ODD))).toBe(ODD);
  });

  it.each([
    ['an object', odd()],
    ['text', ODD],
  ])('keep every key in the arguments that a caller sends as %s', (_what, given) => {
    const call = { function: { name: 'f', arguments: given } };
    expect(JSON.stringify(toolCallSchema.parse(call).function.arguments)).toBe(ODD);
    const body = { messages: [{ role: 'assistant', tool_calls: [call] }] };
    const [message] = openAiRequestSchema.parse(body).messages;
    expect(JSON.stringify(message?.tool_calls?.[0]?.function.arguments)).toBe(ODD);
  });

  it('keep every key in formats, parameters and passed fields, and all but __proto__ in options', () => {
    const own = chatRequestSchema.parse({
      messages,
      options: odd(),
      format: odd(),
      tools: tools(),
      passthrough: { guided_json: odd(), metadata: odd() },
    });
    const { options, format, passthrough } = own;
    for (const value of [format, own.tools?.[0]?.function.parameters, passthrough?.guided_json])
      expect(JSON.stringify(value)).toBe(ODD);
    for (const value of [options, passthrough?.metadata]) expect(JSON.stringify(value)).toBe(SETTINGS);
    const ollama = ollamaChatSchema.parse({ model: 'm', messages, options: odd(), format: odd(), tools: tools() });
    expect(JSON.stringify(ollama.options)).toBe(SETTINGS);
    for (const value of [ollama.format, ollama.tools?.[0]?.function.parameters])
      expect(JSON.stringify(value)).toBe(ODD);
    const response_format = { type: 'json_schema', json_schema: { name: 'n', schema: odd() } };
    const openAi = openAiRequestSchema.parse({ messages, response_format, tools: tools() });
    expect(JSON.stringify(openAi.response_format)).toContain(ODD);
    expect(JSON.stringify(openAi.tools)).toContain(ODD);
  });

  it('must be objects', () => {
    for (const options of [[], 'x', 1, null])
      expect(chatRequestSchema.safeParse({ messages, options }).success).toBe(options === null);
  });
});
