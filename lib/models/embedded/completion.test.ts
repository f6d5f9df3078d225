import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import type { ModelCompletion, ModelEvent, ModelRequest } from '#lib/models/provider';
import { ensureModel } from '../../../scripts/model.ts';
import { type InfillModel, infillModel } from '../../../test/support/infill-model.ts';
import { chatEvents } from '../../../test/support/model-events.ts';

/** The built-in model itself, and a copy of it that has marks to fill in the middle. */

const gguf = await ensureModel({ log: (line) => process.stderr.write(`${line}\n`) });

function request(
  provider: EmbeddedProvider,
  completion: ModelCompletion,
  options: ModelRequest['options'] = {},
): ModelRequest {
  return { model: provider.model, messages: [], completion, options: { temperature: 0, num_predict: 12, ...options } };
}

async function ask(provider: EmbeddedProvider, completion: ModelCompletion, options: ModelRequest['options'] = {}) {
  const events: ModelEvent[] = await Array.fromAsync(chatEvents(provider, request(provider, completion, options)));
  const pieces = events.flatMap((event) => (event.type === 'content' ? [event.text] : []));
  const done = events.at(-1);
  if (done?.type !== 'done') throw new Error('the response did not end with done');
  return { text: pieces.join(''), pieces, reason: done.done_reason, usage: done.usage };
}

describe('the built-in model', { timeout: 120_000 }, () => {
  const provider = new EmbeddedProvider(readConfig({ EMBEDDED_CONTEXT_TOKENS: '512' }));
  afterAll(() => provider.close());

  it('continues a text piece by piece, up to the limit', async () => {
    const counted = await ask(provider, { prompt: 'One, two, three, four,', raw: true });
    expect(counted.text).toMatch(/^ five, six/);
    expect(counted.pieces.length).toBeGreaterThan(1);
    expect(counted.reason).toBe('length');
    expect(counted.usage).toMatchObject({ prompt_tokens: 8, completion_tokens: 12 });
  });

  it('stops at a word, and at the end of a text', async () => {
    const stopped = await ask(provider, { prompt: 'One, two, three, four,', raw: true }, { stop: ['six'] });
    expect([stopped.text, stopped.reason]).toEqual([' five, ', 'stop']);
  });

  it('reads the marks of a template in a raw prompt', async () => {
    const prompt = '<|im_start|>user\nSay hello.<|im_end|>\n<|im_start|>assistant\n';
    const marked = await ask(provider, { prompt, raw: true });
    expect(marked.text).toMatch(/\w/);
    expect(marked.usage.prompt_tokens).toBeLessThan(20);
  });

  it('begins a document for an empty prompt, and puts the prompt in front with echo', async () => {
    expect((await ask(provider, { prompt: '', raw: true }, { num_predict: 4 })).text).toMatch(/\S/);
    const echoed = await ask(provider, { prompt: 'One, two, three, four,', raw: true, echo: true });
    expect(echoed.text).toMatch(/^One, two, three, four, five/);
  });

  it('holds to a format', async () => {
    const prompt = 'The capital of France as JSON: ';
    const format = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const events = await Array.fromAsync(
      chatEvents(provider, { ...request(provider, { prompt, raw: true }, { num_predict: 40 }), format }),
    );
    const text = events.flatMap((event) => (event.type === 'content' ? [event.text] : [])).join('');
    expect(JSON.parse(text)).toEqual({ city: expect.any(String) });
  });

  it('refuses a prompt that is too long, and a suffix', async () => {
    await expect(ask(provider, { prompt: 'word '.repeat(600), raw: true })).rejects.toMatchObject({
      code: 'context_length_exceeded',
      message: expect.stringMatching(/The prompt is 60\d tokens long.*at most 432\./),
    });
    await expect(ask(provider, { prompt: 'def f(', suffix: '):', raw: false })).rejects.toMatchObject({
      code: 'unsupported_value',
      message: expect.stringContaining('Leave out suffix'),
    });
    expect((await ask(provider, { prompt: 'One, two, three, four,', raw: true })).text).toMatch(/^ five/);
  });

  it('responds to a chat after a text, and to a text after a chat', async () => {
    const messages = [{ role: 'user' as const, content: 'Say hello.' }];
    const chat = { model: provider.model, messages, options: { temperature: 0, num_predict: 8 } };
    const texts = async () => {
      const events = await Array.fromAsync(chatEvents(provider, chat));
      return events.flatMap((event) => (event.type === 'content' ? [event.text] : [])).join('');
    };
    const before = await texts();
    expect((await ask(provider, { prompt: 'One, two, three, four,', raw: true })).text).toMatch(/^ five, six/);
    expect(await texts()).toBe(before);
  });
});

describe('a built-in model for code', { timeout: 120_000 }, () => {
  let file: InfillModel;
  let provider: EmbeddedProvider;

  beforeAll(async () => {
    // Three special tokens without a meaning of their own in this vocabulary.
    file = await infillModel(gguf, [7, 8, 9]);
    provider = new EmbeddedProvider(readConfig({ EMBEDDED_MODEL: file.path, EMBEDDED_CONTEXT_TOKENS: '512' }));
  }, 60_000);

  afterAll(async () => {
    await provider.close();
    await file.remove();
  });

  it('fills in the middle between a prompt and its suffix', async () => {
    const prefix = await ask(provider, { prompt: 'One, two,', raw: true }, { num_predict: 1 });
    const suffix = await ask(provider, { prompt: ' four, five.', raw: true }, { num_predict: 1 });
    const filled = await ask(provider, { prompt: 'One, two,', suffix: ' four, five.', raw: false });
    expect(filled.text).toMatch(/\S/);
    const marks = 3;
    expect(filled.usage.prompt_tokens).toBe(prefix.usage.prompt_tokens + suffix.usage.prompt_tokens + marks);
    await expect(
      ask(provider, { prompt: 'word '.repeat(300), suffix: 'word '.repeat(300), raw: false }),
    ).rejects.toMatchObject({ code: 'context_length_exceeded' });
  });
});
