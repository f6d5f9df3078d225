import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider } from '#lib/models/ollama/provider';
import type { ModelProvider } from '#lib/models/provider';
import { createResilientChat } from '#lib/models/resilience';
import { ensureModel } from '../../scripts/model.ts';
import { ensureOllama } from '../../scripts/ollama.ts';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type RealOllama, startOllama } from '../support/real-ollama.ts';

/** Texts without a chat template, by the official SDKs, from real models. */

const MODEL = 'smollm2:135m';
const say = (line: string) => process.stderr.write(`${line}\n`);
const gguf = await ensureModel({ log: say });
const ollamaBinary = await ensureOllama({ log: say });

const OPTIONS = { temperature: 0, num_predict: 12, num_thread: 1 };
const COUNT = 'One, two, three, four,';
const DAYS = 'The days of the week are Monday, Tuesday, Wednesday,';

let s: ChatServer;
let provider: ModelProvider;

async function start(): Promise<void> {
  s = await chatServer(
    {},
    {
      clock: systemClock,
      directory: { resolve: async () => ({ provider, model: MODEL }) },
      call: createResilientChat(readConfig({})),
    },
  );
}

const openai = () => new OpenAI({ baseURL: `${s.url}/v1`, apiKey: 'none', maxRetries: 0 });
const ollama = () => new Ollama({ host: s.url });

describe('the built-in model', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    provider = new EmbeddedProvider(readConfig({}));
    await start();
  });

  afterAll(async () => {
    await s.close();
    await provider.close();
  });

  it('continues texts for the openai client, streamed and not', async () => {
    const request = { model: MODEL, prompt: [COUNT, DAYS], temperature: 0, max_tokens: 8 };
    const { choices, usage } = await openai().completions.create(request);
    expect(choices.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^ five, six/),
      expect.stringMatching(/^ (?:and )?Thursday/),
    ]);
    expect(usage?.completion_tokens).toBe(16);
    const chunks = await Array.fromAsync(
      await openai().completions.create({ ...request, prompt: `${COUNT} five,`, stream: true }),
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.text).join('')).toMatch(/^ six/);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('length');
  });

  it('continues a raw prompt for the ollama client, and responds to any other one', async () => {
    const raw = await ollama().generate({ model: MODEL, prompt: COUNT, raw: true, options: OPTIONS });
    expect(raw.response).toMatch(/^ five, six/);
    expect(raw).toMatchObject({ done_reason: 'length', eval_count: 12 });
    const plain = await ollama().generate({ model: MODEL, prompt: COUNT, options: OPTIONS });
    expect(plain.response).not.toMatch(/^ five/);
  });

  it('refuses a suffix, which it has no marks for', async () => {
    await expect(openai().completions.create({ model: MODEL, prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status: 422,
      code: 'unsupported_value',
    });
    await expect(ollama().generate({ model: MODEL, prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status_code: 422,
    });
  });
});

describe.skipIf(ollamaBinary === undefined)('a real Ollama', { timeout: 120_000 }, () => {
  let server: RealOllama;

  beforeAll(async () => {
    server = await startOllama(ollamaBinary ?? '', gguf, MODEL);
    provider = new OllamaProvider({ url: server.url, keepAlive: '5m', maxContextTokens: 4_096 });
    await start();
  }, 120_000);

  afterAll(async () => {
    await s.close();
    await provider.close();
    await server.close();
  }, 30_000);

  it('continues a raw prompt for both clients, without a context', async () => {
    const raw = await ollama().generate({ model: MODEL, prompt: COUNT, raw: true, options: OPTIONS });
    expect(raw.response).toMatch(/^ five/);
    expect(raw).not.toHaveProperty('context');
    const { choices } = await openai().completions.create({
      model: MODEL,
      prompt: [COUNT, DAYS],
      temperature: 0,
      max_tokens: 8,
    });
    expect(choices.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^ five/),
      expect.stringMatching(/^ (?:and )?Thursday/),
    ]);
  });

  it('goes on with the context that it returned', async () => {
    const first = await ollama().generate({ model: MODEL, prompt: 'My name is Ada. Say hello.', options: OPTIONS });
    expect(first.context.length).toBeGreaterThan(first.prompt_eval_count);
    const next = { model: MODEL, prompt: 'What is my name?', options: OPTIONS };
    const second = await ollama().generate({ ...next, context: first.context });
    expect(second.context.slice(0, first.context.length - 2)).toEqual(first.context.slice(0, -2));
    expect(second.context.length).toBeGreaterThan(first.context.length);
    const alone = await ollama().generate(next);
    expect(second.prompt_eval_count).toBeGreaterThan(alone.prompt_eval_count);
  });

  it('uses the template of the request', async () => {
    const template = '{{ .Prompt }}';
    const templated = await ollama().generate({ model: MODEL, prompt: COUNT, template, options: OPTIONS });
    expect(templated.response).toMatch(/^ five/);
    const lines = await Array.fromAsync(
      await ollama().generate({ model: MODEL, prompt: COUNT, template, options: OPTIONS, stream: true }),
    );
    expect(lines.map(({ response }) => response).join('')).toBe(templated.response);
  });

  it('returns log probabilities in the older shape', async () => {
    const { choices } = await openai().completions.create({
      model: MODEL,
      prompt: COUNT,
      temperature: 0,
      max_tokens: 3,
      logprobs: 2,
    });
    const logprobs = choices[0]?.logprobs;
    expect(logprobs?.tokens?.join('')).toBe(choices[0]?.text);
    expect(logprobs?.token_logprobs?.every((value) => value <= 0)).toBe(true);
    expect(Object.keys(logprobs?.top_logprobs?.[0] ?? {})).toHaveLength(2);
  });

  it('says that a model cannot fill in the middle', async () => {
    await expect(openai().completions.create({ model: MODEL, prompt: 'a', suffix: 'b' })).rejects.toMatchObject({
      status: 422,
      message: expect.stringContaining('insert'),
    });
  });
});
