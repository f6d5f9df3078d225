import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cacheKey } from '#lib/chat/cache/cache-key';
import { batchGroup, FIELD_PURPOSE, toModelRequest } from '#lib/chat/model-request';
import type { ModelRequest } from '#lib/models/provider';
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
    expect(Object.keys(FIELD_PURPOSE).sort()).toEqual(Object.keys(chatRequestSchema.shape).sort());
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
