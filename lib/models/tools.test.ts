import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { OllamaProvider } from '#lib/models/ollama';
import { OpenAiProvider } from '#lib/models/openai';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';

let server: Server | undefined;
let provider: ModelProvider | undefined;

afterEach(async () => {
  await provider?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

/** A server that answers every request with `body`, and tells what it was asked. */
async function serving(body: string): Promise<{ url: string; asked: () => unknown }> {
  let asked: unknown;
  const started = createServer(async (incoming, outgoing) => {
    asked = JSON.parse(await text(incoming));
    outgoing.end(body);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(started.address() as AddressInfo).port}`, asked: () => asked };
}

const call = { id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } };
const tool = { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } };
const request: ModelRequest = {
  model: 'm',
  messages: [
    { role: 'user', content: 'and in Bern?' },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', content: 'rain', tool_name: 'weather', tool_call_id: 'c1' },
  ],
  options: {},
  tools: [tool],
};

function chat() {
  if (provider === undefined) throw new Error('no provider');
  return Array.fromAsync(provider.chat(request, new AbortController().signal));
}

describe('tools through Ollama', () => {
  it('are sent with their calls and results, and calls are read', async () => {
    const { url, asked } = await serving(
      [
        { message: { content: '', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] } },
        { message: { content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 2, eval_count: 3 },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    provider = new OllamaProvider({ url, keepAlive: '5m' });
    expect(await chat()).toEqual([
      { type: 'tool_calls', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 2, completion_tokens: 3 } },
    ]);
    expect(asked()).toMatchObject({ tools: [tool], messages: request.messages });
  });
});

describe('tools through an OpenAI-compatible server', () => {
  const delta = (toolCall: object) => ({ choices: [{ delta: { tool_calls: [toolCall] } }] });
  const events = (...chunks: object[]) =>
    `${chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`;

  it('are sent in its form, and calls that come in pieces are put together', async () => {
    const { url, asked } = await serving(
      events(
        delta({ index: 0, id: 'c1', function: { name: 'weather', arguments: '' } }),
        delta({ index: 0, function: { arguments: '{"city":' } }),
        delta({ index: 1, id: 'c2', function: { name: 'time', arguments: '' } }),
        delta({ index: 0, function: { arguments: '"Bern"}' } }),
        { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      ),
    );
    provider = new OpenAiProvider({ url: `${url}/v1` });
    expect(await chat()).toEqual([
      { type: 'tool_calls', tool_calls: [call, { id: 'c2', function: { name: 'time', arguments: {} } }] },
      { type: 'done', done_reason: 'tool_calls', usage: { prompt_tokens: 0, completion_tokens: 0 } },
    ]);
    expect(asked()).toMatchObject({
      tools: [tool],
      messages: [
        { role: 'user', content: 'and in Bern?' },
        {
          role: 'assistant',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }],
        },
        { role: 'tool', content: 'rain', tool_call_id: 'c1' },
      ],
    });
  });

  it('fail where the arguments are cut', async () => {
    const { url } = await serving(
      events(delta({ index: 0, id: 'c1', function: { name: 'weather', arguments: '{"ci' } })),
    );
    provider = new OpenAiProvider({ url: `${url}/v1` });
    await expect(chat()).rejects.toMatchObject({ code: 'upstream_failed' });
  });
});
