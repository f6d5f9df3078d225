import { afterEach, describe, expect, it } from 'vitest';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { type FaultyModelServer, startFaultyModelServer } from '../../test/support/faulty-model-server.ts';
import { chatEvents } from '../../test/support/model-events.ts';

let server: FaultyModelServer | undefined;
let provider: ModelProvider | undefined;

afterEach(async () => {
  await provider?.close();
  await server?.close();
});

const TOKENS = [{ token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [{ token: 'Ho', logprob: -3 }] }];

async function events(kind: 'ollama' | 'openai', send: string) {
  server = await startFaultyModelServer();
  server.play([{ send }]);
  const { url } = server;
  provider = kind === 'ollama' ? new OllamaProvider({ url, keepAlive: 0 }) : new OpenAiProvider({ url: `${url}/v1` });
  const request = {
    model: 'm',
    messages: [{ role: 'user' as const, content: 'hello' }],
    options: {},
    logprobs: true,
    topLogprobs: 1,
  };
  const read = await Array.fromAsync(chatEvents(provider, request));
  expect(server.requests[0]?.body).toMatchObject({ logprobs: true, top_logprobs: 1 });
  return read;
}

function ollamaStream(logprobs: unknown): string {
  const lines = [
    { message: { content: 'Hi' }, logprobs, done: false },
    { message: { content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 1, eval_count: 1 },
  ];
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

function openAiStream(logprobs: unknown): string {
  const parts = [
    { choices: [{ index: 0, delta: { content: 'Hi' }, logprobs, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }] },
    { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } },
  ];
  return `${parts.map((part) => `data: ${JSON.stringify(part)}\n\n`).join('')}data: [DONE]\n\n`;
}

const DONE = { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 1 } };

describe('log probabilities of a model server', () => {
  it.each([
    ['ollama', ollamaStream(TOKENS)],
    ['openai', openAiStream({ content: TOKENS, refusal: null })],
  ] as const)('are read from %s in front of their text', async (kind, stream) => {
    expect(await events(kind, stream)).toEqual([
      { type: 'logprobs', logprobs: TOKENS },
      { type: 'content', text: 'Hi' },
      DONE,
    ]);
  });

  it.each([
    ['ollama', ollamaStream([{ token: 1 }])],
    ['openai', openAiStream({ content: 'odd' })],
    ['openai', openAiStream([])],
  ] as const)('that are of another form cost %s nothing but themselves', async (kind, stream) => {
    expect(await events(kind, stream)).toEqual([{ type: 'content', text: 'Hi' }, DONE]);
  });
});
