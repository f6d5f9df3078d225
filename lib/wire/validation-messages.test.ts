import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { parseBody } from '#lib/http/body';
import { chatRequestSchema } from '#lib/wire/chat';
import { codeRequestSchema } from '#lib/wire/code';
import { executeRequestSchema, validateRequestSchema } from '#lib/wire/executor';
import { ollamaChatSchema, ollamaGenerateSchema, ollamaShowSchema } from '#lib/wire/ollama-request';
import { openAiRequestSchema } from '#lib/wire/openai-request';
import { statsActionSchema } from '#lib/wire/server-stats';
import { signInSchema } from '#lib/wire/session';

/** What is said of the body: each field with its words. */
function said(schema: z.ZodType, body: object): string[] {
  try {
    parseBody(schema, body);
  } catch (error) {
    const { message, details } = error as { message: string; details: { field: string; message: string }[] };
    for (const { field } of details.slice(0, 5)) expect(message).toContain(field);
    return details.map((detail) => `${detail.field} ${detail.message}`);
  }
  return [];
}

const SCHEMAS = {
  chatRequestSchema,
  codeRequestSchema,
  executeRequestSchema,
  validateRequestSchema,
  ollamaChatSchema,
  ollamaGenerateSchema,
  ollamaShowSchema,
  openAiRequestSchema,
  signInSchema,
  statsActionSchema,
};
const ODD = [
  null,
  'text',
  '',
  -1.5,
  1e12,
  true,
  [],
  [null],
  [1],
  {},
  { a: 1 },
  [{ role: 'nobody', content: 5 }],
  [['x']],
];
const JARGON =
  /invalid|expected|received|undefined|nan\b|regex|pattern|union|discriminator|literal|zod|of another kind|as the documentation/i;

describe('validationMessage', () => {
  it('names the required type', () => {
    const user = { role: 'user', content: 'x' };
    expect(said(chatRequestSchema, {})).toEqual(['messages is required: a list of objects with role and content']);
    expect(said(codeRequestSchema, {})).toEqual(['language is required: a string', 'code is required: a string']);
    expect(said(chatRequestSchema, { messages: [{}] })).toEqual([
      'messages.0.role is required: "system", "user", "assistant" or "tool"',
      'messages.0.content is required: a string',
    ]);
    expect(said(chatRequestSchema, { messages: 'x', stream: 'yes', priority: 1.5, think: 7 })).toEqual([
      'messages must be a list of objects with role and content, not a string',
      'stream must be true or false, not a string',
      'priority must be a whole number',
      'think must be true, false, "low", "medium" or "high"',
    ]);
    expect(said(chatRequestSchema, { messages: [user], priority: 11, model: '' })).toEqual([
      'model must not be empty',
      'priority must be at most 10',
    ]);
    expect(said(openAiRequestSchema, { messages: [{ role: 'user', content: [{ type: 'text' }] }] })).toEqual([
      'messages.0.content.0.text is required: a string',
    ]);
  });

  it("keeps a schema's own message", () => {
    expect(said(chatRequestSchema, { messages: [] })).toEqual(['messages needs at least one message']);
    expect(said(statsActionSchema, { action: 'explode' })[0]).toMatch(/^action must be one of clear,/);
  });

  it.each(Object.entries(SCHEMAS))('uses no jargon for any invalid value of %s', (_name, schema) => {
    const names = Object.keys(schema.shape);
    expect(said(schema, {}).join()).not.toMatch(JARGON);
    for (const name of names)
      for (const value of ODD) {
        const lines = said(schema, { [name]: value });
        expect(lines.filter((line) => JARGON.test(line))).toEqual([]);
      }
  });

  it('has a bounded length for any number of errors', () => {
    const messages = Array.from({ length: 500 }, () => ({ role: 'nobody', content: 5 }));
    const lines = said(chatRequestSchema, { messages });
    expect(lines).toHaveLength(50);
    expect(() => parseBody(chatRequestSchema, { messages })).toThrow(/; and more\.$/);
  });
});
