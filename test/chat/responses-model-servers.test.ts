import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#lib/chat/clock';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import { type ChatServer, chatServer } from '../support/chat-server.ts';
import { type FaultyModelServer, ollama, openai, startFaultyModelServer } from '../support/faulty-model-server.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

let s: ChatServer;

function client(apiKey = 'none'): OpenAI {
  return new OpenAI({ baseURL: `${s.url}/v1`, apiKey, maxRetries: 0 });
}

describe.each(['openai', 'ollama'] as const)('responses before a model server of the kind %s', (kind) => {
  let model: FaultyModelServer;

  beforeAll(async () => {
    model = await startFaultyModelServer();
    const provider =
      kind === 'openai'
        ? new OpenAiProvider({ url: `${model.url}/v1` })
        : new OllamaProvider({ url: model.url, keepAlive: '5m' });
    s = await chatServer(
      {},
      { clock: systemClock, directory: { resolve: async (name) => ({ provider, model: name ?? 'm' }) } },
    );
  });

  afterAll(async () => {
    await s.close();
    await model.close();
  });

  it('asks it in its own API, and reads its stream', async () => {
    model.play([
      {
        send:
          kind === 'openai'
            ? openai.text('Rust') + openai.finish() + openai.usage() + openai.done()
            : ollama.text('Rust') + ollama.done(),
      },
    ]);
    const response = await client()
      .responses.stream({ model: 'm', instructions: 'be brief', input: 'hello', user: 'ann', max_output_tokens: 9 })
      .finalResponse();
    expect(response).toMatchObject({ status: 'completed', output_text: 'Rust', user: 'ann' });
    expect(response.usage?.total_tokens).toBeGreaterThan(0);
    expect(model.requests.at(-1)).toMatchObject({
      path: kind === 'openai' ? '/v1/chat/completions' : '/api/chat',
      body: {
        messages: [
          { role: 'system', content: 'be brief' },
          { role: 'user', content: 'hello' },
        ],
        ...(kind === 'openai' ? { user: 'ann', max_tokens: 9 } : { options: { num_predict: 9 } }),
      },
    });
  });
});

describe('responses of the built-in model', () => {
  let app: RunningApp;

  beforeAll(async () => {
    app = await startApp('server', { ...NO_PROGRAMS, LOG_LEVEL: 'silent', MODEL_PROVIDER: 'embedded' });
  }, 60_000);

  afterAll(() => app.stop());

  it('stream, are stored and continued', async () => {
    const { responses } = new OpenAI({ baseURL: `${app.url}/v1`, apiKey: 'none', maxRetries: 0 });
    const first = await responses.stream({ input: 'Say hello.', temperature: 0, max_output_tokens: 8 }).finalResponse();
    expect(first.output_text).not.toBe('');
    expect(first.usage?.input_tokens).toBeGreaterThan(0);
    const second = await responses.create({
      previous_response_id: first.id,
      input: 'Say it again.',
      temperature: 0,
      max_output_tokens: 8,
    });
    expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
    expect(await responses.retrieve(second.id)).toMatchObject({ output: second.output });
    expect((await responses.inputTokens.count({ input: 'Say hello.' })).input_tokens).toBe(first.usage?.input_tokens);
  }, 120_000);
});
