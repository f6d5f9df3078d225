import { describe, expect, it } from 'vitest';
import {
  ContextWindows,
  contextStep,
  estimatePrompt,
  isPromptTruncated,
  type ModelContext,
  neededTokens,
} from '#lib/models/ollama/context-window';
import type { ModelRequest } from '#lib/models/provider';

const request = (content: string, options = {}): ModelRequest => ({
  model: 'm',
  messages: [{ role: 'user', content }],
  options,
});
const known = (context: Partial<ModelContext> = {}) => {
  return () => Promise.resolve({ limit: 131_072, usual: 4_096, loaded: undefined, ...context });
};

describe('estimatePrompt', () => {
  it.each([
    ['English', 'The quick brown fox jumps over the lazy dog. ', 10],
    ['Chinese', '天气很好我们去公园散步吧', 10],
    ['code', 'for (const item of items) total += item.price;\n', 14],
  ])('encloses the usual length of %s', (_what, text, tokens) => {
    const { atLeast, atMost } = estimatePrompt(request(text.repeat(100)));
    expect(atLeast).toBeLessThanOrEqual(tokens * 100);
    expect(atMost).toBeGreaterThanOrEqual(tokens * 100);
  });

  it('counts images, tools and the marks of a template', () => {
    const plain = estimatePrompt(request('hi')).atMost;
    const image: ModelRequest = { ...request('hi'), messages: [{ role: 'user', content: 'hi', images: ['AAAA'] }] };
    const tools = [{ type: 'function' as const, function: { name: 'look'.repeat(100) } }];
    expect(estimatePrompt(image).atMost).toBeGreaterThan(plain + 1_000);
    expect(estimatePrompt({ ...request('hi'), tools }).atMost).toBeGreaterThan(plain + 100);
  });
});

describe('ContextWindows', () => {
  it('leaves a short conversation to Ollama and reads nothing', async () => {
    const windows = new ContextWindows(32_768);
    const read = () => Promise.reject(new Error('was read'));
    expect(await windows.choose('m', 4_096, '5m', read)).toEqual({ sent: undefined, effective: undefined });
  });

  it('sends the next power of two, within the limits of the model and of the setting', async () => {
    const sent = async (needed: number, max: number, context: Partial<ModelContext> = {}) =>
      (await new ContextWindows(max).choose('m', needed, '5m', known(context))).sent;
    expect(await sent(5_000, 32_768)).toBe(8_192);
    expect(await sent(9_000, 32_768)).toBe(16_384);
    expect(await sent(90_000, 32_768)).toBe(32_768);
    expect(await sent(90_000, 200_000)).toBe(131_072);
    expect(await sent(9_000, 32_768, { limit: 10_000 })).toBe(10_000);
    expect(await sent(9_000, 0)).toBeUndefined();
  });

  it('does not shorten the context that the model sets or is loaded with', async () => {
    const windows = new ContextWindows(8_192);
    expect(await windows.choose('own', 9_000, '5m', known({ usual: 16_384 }))).toEqual({
      sent: undefined,
      effective: 16_384,
    });
    expect(await windows.choose('loaded', 9_000, '5m', known({ loaded: 65_536 }))).toEqual({
      sent: 65_536,
      effective: 65_536,
    });
  });

  it('keeps the longest context while the model is loaded, so that no request loads it again', async () => {
    let now = 0;
    const windows = new ContextWindows(32_768, () => now);
    const sent = async (needed: number) => (await windows.choose('m', needed, 60, known())).sent;
    expect(await sent(1_000)).toBeUndefined();
    expect(await sent(6_000)).toBe(8_192);
    expect(await sent(1_000)).toBe(8_192);
    expect(await sent(8_000)).toBe(8_192);
    expect(await sent(12_000)).toBe(16_384);
    now = 50_000;
    expect(await sent(1_000)).toBe(16_384);
    now = 109_000;
    expect(await sent(1_000)).toBe(16_384);
    now = 170_000;
    expect(await sent(1_000)).toBeUndefined();
  });

  it('forgets the oldest of more models than it remembers', async () => {
    const windows = new ContextWindows(32_768);
    for (let at = 0; at <= 500; at++) await windows.choose(`m${at}`, 6_000, '5m', known());
    expect(windows.held('m0')).toBeUndefined();
    expect(windows.held('m500')).toBe(8_192);
  });

  it('says how long a conversation can be', () => {
    expect(new ContextWindows(32_768).usable(131_072, undefined)).toBe(32_768);
    expect(new ContextWindows(32_768).usable(8_192, undefined)).toBe(8_192);
    expect(new ContextWindows(32_768).usable(131_072, 65_536)).toBe(65_536);
    expect(new ContextWindows(0).usable(131_072, undefined)).toBeNull();
  });
});

it('reserves room for the response', () => {
  const estimate = { atLeast: 1, atMost: 100 };
  expect(neededTokens(request('hi'), estimate)).toBe(2_148);
  expect(neededTokens(request('hi', { num_predict: 10 }), estimate)).toBe(110);
  expect(neededTokens(request('hi', { num_predict: 1e6 }), estimate)).toBe(4_196);
});

it('steps by powers of two', () => {
  expect([1, 4_096, 4_097, 8_192, 20_000].map(contextStep)).toEqual([4_096, 4_096, 8_192, 8_192, 32_768]);
});

it.each([
  ['fits', 3_000, 500, { atLeast: 2_000, atMost: 4_000 }, false],
  ['is surely longer than the context', 3_900, 100, { atLeast: 5_000, atMost: 9_000 }, true],
  ['fills the context to its end', 4_096, 0, { atLeast: 3_000, atMost: 6_000 }, true],
  ['was read in part', 1_000, 100, { atLeast: 3_000, atMost: 6_000 }, true],
  ['was read whole though it looked long', 3_500, 100, { atLeast: 3_000, atMost: 6_000 }, false],
  ['left no room for the response', 3_000, 1_200, { atLeast: 2_000, atMost: 4_000 }, true],
])('a prompt that %s is reported', (_what, prompt_tokens, completion_tokens, estimate, expected) => {
  expect(isPromptTruncated({ prompt_tokens, completion_tokens }, 4_096, estimate)).toBe(expected);
});
