import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CACHE_KEY_FORM, cacheKey } from '#lib/chat/cache/cache-key';
import { EMBEDDING_KEY_FORM, embeddingKeys } from '#lib/chat/embeddings/embedding-key';
import { batchGroup, FIELD_PURPOSE, promptAsMessage, toModelRequest } from '#lib/chat/model-request';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import { chatRequestSchema, type Message } from '#lib/wire/chat';
import { chatRequest } from '../../../test/support/chat.ts';

const base: ModelRequest = {
  model: 'm',
  messages: [
    { role: 'system', content: 's' },
    { role: 'user', content: 'u', images: ['aGk='] },
  ],
  options: { temperature: 0.5, stop: ['a', 'b'] },
};

const COMPLETIONS: ModelCompletion[] = [
  { prompt: 'u', raw: false },
  { prompt: 'u', raw: true },
  { prompt: 'U', raw: true },
  { prompt: [1, 2], raw: true },
  { prompt: '[1,2]', raw: true },
  { prompt: 'u', raw: true, echo: true },
  { prompt: 'u', raw: false, suffix: 's' },
  { prompt: 'u', raw: false, suffix: '' },
  { prompt: 'u', raw: false, suffix: '', files: [{ text: 'a' }] },
  { prompt: 'u', raw: false, suffix: '', files: [{ text: 'a', filename: 'b' }] },
  { prompt: 'u', raw: false, template: 's' },
  { prompt: 'u', raw: false, system: 's' },
  { prompt: 'u', raw: false, images: ['aGk='] },
  { prompt: 'u', raw: false, images: ['aGo='] },
  { prompt: 'u', raw: false, context: [] },
  { prompt: 'u', raw: false, context: [1] },
];

describe('cacheKey', () => {
  it('differs for everything that affects the response', () => {
    const user: Message = { role: 'user', content: 'u', images: ['aGk='] };
    const system: Message = { role: 'system', content: 's' };
    const variants: ModelRequest[] = [
      base,
      { ...base, model: 'n' },
      { ...base, messages: [user] },
      { ...base, messages: [system, { ...user, role: 'tool' }] },
      { ...base, messages: [system, { ...user, content: 'U' }] },
      { ...base, messages: [system, { ...user, images: ['aGo='] }] },
      { ...base, messages: [system, { ...user, images: ['aGk=', 'aGk='] }] },
      { ...base, messages: [system, { role: 'user', content: 'u' }] },
      { ...base, messages: [user, system] },
      { ...base, options: {} },
      { ...base, options: { temperature: 0.5, stop: ['b', 'a'] } },
      { ...base, options: { temperature: '0.5', stop: ['a', 'b'] } },
      { ...base, think: true },
      { ...base, think: false },
      { ...base, think: 'high' },
      { ...base, format: 'json' },
      { ...base, format: { a: 1, b: 2 } },
      { ...base, format: { b: 2, a: 1 } },
      ...COMPLETIONS.map((completion): ModelRequest => ({ ...base, messages: [], completion })),
    ];
    const keys = [...variants.map((request) => cacheKey('ollama', request)), cacheKey('openai', base)];
    expect(new Set(keys).size).toBe(variants.length + 1);
    for (const key of keys) expect(key).toMatch(/^[\w-]{43}$/);
  });

  it('is independent of the order of option names', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (options) => {
        const turned = Object.fromEntries(Object.entries(options).reverse());
        const [one, other] = [chatRequest({ options: clean(options) }), chatRequest({ options: clean(turned) })];
        expect(cacheKey('ollama', { ...base, options: one.options })).toBe(
          cacheKey('ollama', { ...base, options: other.options }),
        );
      }),
    );
  });

  it('distinguishes conversations with the same concatenated text', () => {
    const message = fc.record({ role: fc.constantFrom('user' as const, 'tool' as const), content: fc.string() });
    const messages = fc.array(message, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(messages, messages, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        const [a, b] = [one, other].map((list) => cacheKey('ollama', { ...base, messages: list }));
        expect(a === b).toBe(same);
      }),
    );
  });
});

describe('requests', () => {
  it('have a purpose for every wire field', () => {
    // A completion has no wire field of the native API.
    expect(Object.keys(FIELD_PURPOSE).sort()).toEqual([...Object.keys(chatRequestSchema.shape), 'completion'].sort());
  });

  it('pass every field that affects the response to the model, and no delivery field', () => {
    const request = chatRequest({
      system_prompt: 's',
      options: { seed: 1 },
      think: 'low',
      format: 'json',
      priority: 3,
    });
    expect(toModelRequest(request, 'm', 'unused')).toEqual({
      model: 'm',
      messages: [
        { role: 'system', content: 's' },
        { role: 'user', content: 'hello' },
      ],
      options: { seed: 1 },
      think: 'low',
      format: 'json',
    });
  });

  it('have a system prompt only where a template has a place for it', () => {
    const model = (completion: ModelCompletion) =>
      toModelRequest({ ...chatRequest({}), messages: [], completion }, 'm', 'be brief');
    const request = model({ prompt: 'u', raw: false });
    expect(request).toMatchObject({ messages: [], completion: { prompt: 'u', raw: false, system: 'be brief' } });
    expect(model({ prompt: 'u', raw: true }).completion).toEqual({ prompt: 'u', raw: true });
    expect(model({ prompt: 'u', raw: false, suffix: 's' }).completion).toEqual({
      prompt: 'u',
      raw: false,
      suffix: 's',
    });
  });

  it('with a prompt for the model’s own template equal a conversation of one message', () => {
    const request = (completion: ModelCompletion): ModelRequest => ({ ...base, messages: [], completion });
    const plain = promptAsMessage(request({ prompt: 'u', raw: false, system: 's', images: ['aGk='] }));
    expect(plain).toEqual(base);
    expect(cacheKey('openai', plain)).toBe(cacheKey('openai', base));
    const others = COMPLETIONS.filter(
      ({ raw, suffix, template, context = [], prompt }) =>
        raw || suffix !== undefined || template !== undefined || context.length > 0 || typeof prompt !== 'string',
    );
    expect(others.length).toBe(11);
    for (const completion of others) expect(promptAsMessage(request(completion)).completion).toBe(completion);
  });

  it('share a batch group only if the model is not reloaded between them', () => {
    const group = batchGroup('ollama', 'm', { num_ctx: 2048, temperature: 1 });
    expect(batchGroup('ollama', 'm', { temperature: 0, num_ctx: 2048 })).toBe(group);
    const others = [
      batchGroup('ollama', 'm', { num_ctx: 4096 }),
      batchGroup('ollama', 'm', {}),
      batchGroup('ollama', 'n', { num_ctx: 2048 }),
      batchGroup('openai', 'm', { num_ctx: 2048 }),
    ];
    expect(new Set([group, ...others]).size).toBe(5);
  });
});

function clean(options: object) {
  return JSON.parse(JSON.stringify(options));
}

it('keeps the keys that a database has, or else another FORM_VERSION', () => {
  // If the first fails alone, raise FORM_VERSION of lib/chat/cache/cache-key.ts, and change both.
  const request = {
    model: 'm',
    messages: [{ role: 'user', content: 'hi' } as const],
    options: { temperature: 0, seed: 1 },
  };
  expect(cacheKey('ollama', request)).toBe('nGpsGH3mvL1NXrRFaBkD7IMqrIDXLVFQnjgVBsupH7Q');
  expect(CACHE_KEY_FORM).toBe('v5jz9hVneTQwNB-BJdRw0cLYvMqMh4h1b0gkDYzLA-o');
});

it('keeps the keys of embeddings that a database has, or else another FORM_VERSION', () => {
  const [key] = embeddingKeys('ollama', { model: 'm', inputs: ['a'] });
  expect(key).toBe('jqaTmmol_w2x5N1eOEZ9X3wvTKhZuiSNM5gnwwe8R-A');
  expect(EMBEDDING_KEY_FORM).toBe('UFwPeK5yftQAObcYKi4vswOX8_BkGivS2wovkgOBYxg');
});
