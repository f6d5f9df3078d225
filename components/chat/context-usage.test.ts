import { describe, expect, it } from 'vitest';
import type { ModelInfo, Models } from '#lib/wire/models';
import { contextLimit } from './context-limit.ts';
import {
  attachedTokens,
  contextWarning,
  estimateTokens,
  isLongQuestion,
  isTruncated,
  usedTokens,
} from './context-usage.ts';
import type { AssistantMessage, UserMessage } from './conversation.ts';

const question = (content: string): UserMessage => ({
  id: content,
  conversationId: 'c',
  parentId: null,
  role: 'user',
  content,
  createdAt: 0,
});
const response = (fields: Partial<AssistantMessage>): AssistantMessage => ({
  id: 'r',
  conversationId: 'c',
  parentId: null,
  role: 'assistant',
  content: 'x'.repeat(400),
  thinking: '',
  createdAt: 0,
  state: 'done',
  source: 'model',
  ...fields,
});

describe('usedTokens', () => {
  it('estimates a conversation that no server has counted', () => {
    expect(estimateTokens('x'.repeat(400))).toBe(100);
    expect(estimateTokens('你好')).toBe(2);
    expect(usedTokens([question('x'.repeat(400))], 'y'.repeat(40))).toBe(116);
  });

  it('counts the files of a question', () => {
    const files = [{ name: 'notes.txt', text: 'x'.repeat(4_000) }];
    expect(usedTokens([{ ...question('Sum it up'), files }], '')).toBe(1_015);
  });

  it('takes the count of the last response, and estimates what came after it', () => {
    const counted = response({ promptTokens: 1_000, completionTokens: 200 });
    expect(usedTokens([question('long '.repeat(1_000)), counted], '')).toBe(1_200);
    expect(usedTokens([counted, question('x'.repeat(400))], '')).toBe(1_306);
  });

  it('leaves out reasoning, which is not sent again', () => {
    const counted = response({ promptTokens: 1_000, completionTokens: 200, thinking: 'x'.repeat(1_200) });
    expect(usedTokens([counted], '')).toBe(1_050);
  });

  it('does not take the count of a truncated prompt, nor count a running response', () => {
    const cut = response({ promptTokens: 10, completionTokens: 1, promptTruncated: true });
    expect(usedTokens([question('x'.repeat(4_000)), cut], '')).toBe(1_112);
    expect(usedTokens([question('x'.repeat(400)), response({ state: 'streaming' })], '')).toBe(106);
  });
});

it('finds whether the last response was to a part of the conversation', () => {
  const cut = response({ promptTruncated: true });
  expect(isTruncated([question('a'), cut])).toBe(true);
  expect(isTruncated([cut, question('a'), response({ state: 'waiting' })])).toBe(true);
  expect(isTruncated([cut, question('a'), response({})])).toBe(false);
});

describe('contextLimit', () => {
  const model: ModelInfo = {
    id: 'm',
    provider: 'ollama',
    size_bytes: null,
    parameter_size: null,
    quantization: null,
    context_length: 131_072,
    usable_context_length: 32_768,
    capabilities: { thinking: false, vision: false, tools: false },
    loaded: false,
    is_default: true,
  };
  const models = (fields: Partial<ModelInfo>): Models => ({
    models: [{ ...model, ...fields }],
    default_model: 'm',
    providers: [],
    notice: null,
  });
  const limit = (fields: Partial<ModelInfo>, num_ctx?: number) =>
    contextLimit(models(fields), null, { systemPrompt: '', sampling: num_ctx === undefined ? {} : { num_ctx } });

  it('is what the server allows, or what the chat asks for within the model', () => {
    expect(limit({})).toBe(32_768);
    expect(limit({}, 8_192)).toBe(8_192);
    expect(limit({}, 1e6)).toBe(131_072);
    expect(limit({ provider: 'openai', usable_context_length: 4_096 }, 8_192)).toBe(4_096);
    expect(limit({ usable_context_length: null })).toBeUndefined();
    expect(contextLimit(undefined, null, { systemPrompt: '', sampling: {} })).toBeUndefined();
  });
});

it('counts what is attached to the next message', () => {
  const files = [{ name: 'notes.txt', text: 'x'.repeat(4_000) }];
  expect(attachedTokens({ images: [], files })).toBe(1_006);
  expect(attachedTokens({ images: [1, 2], files: [] })).toBe(1_600);
  expect(attachedTokens({ images: [], files: [] })).toBe(0);
});

it('warns of a full context before an attachment is sent', () => {
  const fill = { used: 0, attached: 0, limit: 2_048, truncated: false };
  expect(contextWarning({ ...fill, attached: 1_000 })).toBeUndefined();
  expect(contextWarning({ ...fill, attached: 1_800 })).toBe(
    'The attachments take about 88% of the model’s context. Little space is left for the chat.',
  );
  expect(contextWarning({ ...fill, used: 100, attached: 1_800 })).toMatch(/^This chat has used about 93%/);
  expect(contextWarning({ ...fill, used: 300, attached: 1_800 })).toMatch(/^This chat is longer than/);
  expect(contextWarning({ ...fill, attached: 9_000, truncated: true })).toBe(
    'The attachments have about 9,000 tokens, and the model reads at most 2,048. Attach less, or choose another model.',
  );
  expect(contextWarning({ ...fill, attached: 9_000, limit: undefined })).toBeUndefined();
});

it('finds a question that takes a model a while to read', () => {
  expect(isLongQuestion(question('What is a monad?'))).toBe(false);
  expect(isLongQuestion(question('x'.repeat(8_000)))).toBe(true);
  expect(isLongQuestion({ ...question('Sum it up'), files: [{ name: 'a', text: 'x'.repeat(8_000) }] })).toBe(true);
});
