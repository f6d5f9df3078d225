import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ensurePythonClients } from '../../scripts/python-clients.ts';
import {
  type FaultyModelServer,
  ollama,
  openai,
  type Script,
  startFaultyModelServer,
} from '../support/faulty-model-server.ts';
import { PythonClient } from '../support/python-clients.ts';
import { type RunningApp, startApp } from '../support/running-app.ts';

/**
 * The official Python SDKs in front of a running app. test/python has what they do; a scenario
 * returns what the SDK showed to its caller.
 */

const clients = await ensurePythonClients({ log: (line) => process.stderr.write(`${line}\n`) });
const MISSING = 'missing' in clients ? clients.missing : undefined;
const PYTHON = 'python' in clients ? clients.python : '';
const KEY = 'a-key-of-the-tests-1';
const CITY = { name: 'Bern', population: 134_794 };
const CALL = { name: 'weather', arguments: { city: 'Bern' } };

/** No two requests are the same, so that none is served from the cache by accident. */
let asked = 0;
const content = () => `question ${asked++}`;

interface Stage {
  model: FaultyModelServer;
  app: RunningApp;
  /** Asks for a key, and takes few requests a minute of each. */
  guarded: RunningApp;
}

async function startStage(settings: (model: FaultyModelServer) => Record<string, string>): Promise<Stage> {
  const model = await startFaultyModelServer();
  const common = { UPSTREAM_RETRIES: '0', DISCONNECT_GRACE_MS: '50', LOG_LEVEL: 'warn', ...settings(model) };
  const [app, guarded] = await Promise.all([
    startApp('server', { ...common, QUEUE_MAX_CONCURRENT: '4' }),
    startApp('server', { ...common, API_KEYS: KEY, RATE_LIMIT_CHAT: '1' }),
  ]);
  return { model, app, guarded };
}

async function stop({ model, app, guarded }: Stage): Promise<void> {
  await Promise.all([app.stop(), guarded.stop()]);
  await model.close();
}

async function upstreamEnds(model: FaultyModelServer, before: number): Promise<void> {
  await vi.waitFor(() => expect(model.running).toBe(0), { timeout: 15_000, interval: 20 });
  expect(model.requests.length).toBe(before + 1);
  expect(await model.requests[before]?.over).toBe(false);
}

const openAiText = (...texts: string[]): Script => [
  ...texts.map((text) => ({ send: openai.text(text) })),
  { send: openai.finish() },
  { send: openai.usage() },
  { send: openai.done() },
];
const event = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const openAiCall: Script = [
  {
    send: event({
      choices: [
        {
          index: 0,
          delta: {
            tool_calls: [
              { index: 0, id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } },
            ],
          },
          finish_reason: null,
        },
      ],
    }),
  },
  { send: openai.finish('tool_calls') },
  { send: openai.usage() },
  { send: openai.done() },
];
const ollamaText = (...texts: string[]): Script => [
  ...texts.map((text) => ({ send: ollama.text(text) })),
  { send: ollama.done() },
];
const ollamaCall: Script = [
  {
    send: `${JSON.stringify({ message: { role: 'assistant', content: '', tool_calls: [{ function: CALL }] }, done: false })}\n`,
  },
  { send: ollama.done() },
];
/** The first response is a call, those after a tool's result are text. */
const roundOfTools = (call: Script, text: Script) => (body: unknown) =>
  JSON.stringify(body).includes('"tool"') ? text : call;

/** Named and counted as skipped, with the reason. */
describe.skipIf(MISSING !== undefined)(MISSING ?? 'the official Python SDKs', { timeout: 60_000 }, () => {
  describe('openai', () => {
    let stage: Stage;
    let sdk: PythonClient;
    const run = (scenario: string, input: Record<string, unknown> = {}, app = stage.app) =>
      sdk.run(scenario, { url: app.url, ...input });

    beforeAll(async () => {
      sdk = new PythonClient(PYTHON, 'openai_scenarios');
      stage = await startStage((model) => ({ MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: `${model.url}/v1` }));
    }, 120_000);
    afterAll(async () => {
      await sdk.close();
      await stop(stage);
    });

    it('lists models, finds one, and reads that one is missing', async () => {
      expect(await run('models')).toMatchObject({
        ids: ['test:latest'],
        one: 'model',
        missing: { type: 'NotFoundError', status: 404, code: 'model_not_found' },
      });
    });

    it('gets a completion', async () => {
      stage.model.play(openAiText('Ru', 'st'));
      expect(await run('chat', { content: content(), temperature: 0.5, seed: 1 })).toMatchObject({
        object: 'chat.completion',
        model: 'test:latest',
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Rust' } }],
        usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 },
      });
      expect(stage.model.requests.at(-1)?.body).toMatchObject({ temperature: 0.5, seed: 1 });
    });

    it('streams text, reasoning and usage', async () => {
      stage.model.play([{ send: openai.thinking('hm') }, ...openAiText('Ru', 'st')]);
      expect(await run('stream', { content: content() })).toMatchObject({
        text: 'Rust',
        thinking: 'hm',
        reason: 'stop',
        usage: { total_tokens: 8 },
        objects: ['chat.completion.chunk'],
      });
    });

    it('goes through a round of tools', async () => {
      stage.model.choose(roundOfTools(openAiCall, openAiText('Rain.')));
      const call = { name: 'weather', arguments: '{"city":"Bern"}' };
      expect(await run('tools', { content: content() })).toEqual({
        streamed: [call],
        called: [call],
        reasons: ['tool_calls', 'tool_calls', 'stop'],
        continued: 'Rain.',
      });
    });

    it('parses structured output', async () => {
      stage.model.play(openAiText(JSON.stringify(CITY)));
      expect(await run('structured', { content: content() })).toEqual(CITY);
      expect(stage.model.requests.at(-1)?.body).toMatchObject({
        response_format: { type: 'json_schema', json_schema: { name: 'City', strict: true } },
      });
    });

    it('reads log probabilities', async () => {
      const token = {
        token: 'Hi',
        logprob: -0.5,
        bytes: [72, 105],
        top_logprobs: [{ token: 'Hi', logprob: -0.5, bytes: null }],
      };
      const choice = { index: 0, delta: { content: 'Hi' }, logprobs: { content: [token] }, finish_reason: null };
      stage.model.play([{ send: event({ choices: [choice] }) }, ...openAiText()]);
      expect(await run('logprobs', { content: content() })).toEqual([{ token: 'Hi', logprob: -0.5, top: ['Hi'] }]);
    });

    it('gets several choices', async () => {
      stage.model.play(openAiText('one'), openAiText('two'));
      expect(await run('choices', { content: content(), n: 2 })).toEqual(['one', 'two']);
    });

    it.each<[what: string, script: Script, expected: object]>([
      ['an unknown model', [{ status: 404 }], { type: 'NotFoundError', status: 404, code: 'model_not_found' }],
      [
        'a value that is refused',
        [{ status: 400 }, { send: '{"error":{"message":"bad value"}}' }],
        { type: 'UnprocessableEntityError', status: 422, code: 'unsupported_value' },
      ],
      [
        'a conversation that is too long',
        [{ status: 400 }, { send: '{"error":{"message":"maximum context length is 5 tokens"}}' }],
        { type: 'BadRequestError', status: 400, code: 'context_length_exceeded' },
      ],
      [
        'a rate limit of the model server',
        [{ status: 429, headers: { 'retry-after': '3' } }],
        { type: 'InternalServerError', status: 503, code: 'provider_unavailable' },
      ],
      ['a failure', [{ status: 500 }], { type: 'InternalServerError', status: 502, code: 'upstream_failed' }],
    ])('reads %s as an error of its class', async (_what, script, expected) => {
      for (const stream of [true, false]) {
        stage.model.play(script);
        expect(await run('error', { content: content(), stream })).toMatchObject(expected);
      }
    });

    it('reads a refused request, a wrong key and a rate limit as errors of their classes', async () => {
      expect(await run('error_without_messages')).toMatchObject({
        type: 'BadRequestError',
        status: 400,
        param: 'messages',
      });
      expect(await run('error', { content: content(), key: 'wrong' }, stage.guarded)).toMatchObject({
        type: 'AuthenticationError',
        status: 401,
        code: 'unauthorized',
      });
      stage.model.play(openAiText('x'));
      await run('retried', { content: content(), key: KEY }, stage.guarded);
      expect(await run('error', { content: content(), key: KEY }, stage.guarded)).toMatchObject({
        type: 'RateLimitError',
        status: 429,
        code: 'rate_limited',
      });
    });

    it('keeps the text before an error in the stream', async () => {
      stage.model.play([{ send: openai.text('Ru') }, { send: openai.error('It broke.') }]);
      expect(await run('error_in_stream', { content: content() })).toMatchObject({
        type: 'APIError',
        text: 'Ru',
        message: expect.stringContaining('It broke.'),
      });
    });

    it('tries again after a Retry-After', async () => {
      const before = stage.model.requests.length;
      stage.model.play([{ status: 503, headers: { 'retry-after': '1' } }], openAiText('again'));
      expect(await run('retried', { content: content() })).toEqual({ text: 'again', retries: 1 });
      expect(stage.model.requests.length).toBe(before + 2);
    });

    it.each([true, false])('ends the request upstream after its own timeout (stream: %s)', async (stream) => {
      const before = stage.model.requests.length;
      stage.model.play(['hang']);
      expect(await run('timeout', { content: content(), stream })).toMatchObject({ type: 'APITimeoutError' });
      await upstreamEnds(stage.model, before);
    });

    it('ends the request upstream when it leaves a stream', async () => {
      const before = stage.model.requests.length;
      stage.model.play([{ send: openai.text('Ru') }, 'hang']);
      expect(await run('left_in_stream', { content: content() })).toBe('Ru');
      await upstreamEnds(stage.model, before);
    });

    it('uses the Responses API', async () => {
      stage.model.play(openAiText('Ru', 'st'));
      expect(await run('responses', { content: content() })).toMatchObject({
        whole: { text: 'Rust', status: 'completed', usage: { input_tokens: 3, output_tokens: 5, total_tokens: 8 } },
        streamed: 'Rust',
        final: 'Rust',
        first: 'response.created',
        last: 'response.completed',
        error: { type: 'BadRequestError', status: 400 },
      });
      stage.model.choose(roundOfTools(openAiCall, openAiText('Rain.')));
      expect(await run('response_tools', { content: content() })).toEqual({
        calls: [{ name: 'weather', arguments: '{"city":"Bern"}' }],
        continued: 'Rain.',
      });
      stage.model.play(openAiText(JSON.stringify(CITY)));
      expect(await run('response_structured', { content: content() })).toEqual(CITY);
    });

    it('gets embeddings, as floats and as the SDK asks by itself', async () => {
      stage.model.setResponse('/v1/embeddings', {
        object: 'list',
        model: 'test:latest',
        data: [{ object: 'embedding', index: 0, embedding: [0.5, -0.25] }],
        usage: { prompt_tokens: 2, total_tokens: 2 },
      });
      expect(await run('embeddings', { content: content() })).toMatchObject({
        default: [0.5, -0.25],
        floats: [0.5, -0.25],
        object: 'list',
      });
      stage.model.setResponse('/v1/embeddings', undefined);
    });

    it('completes a text', async () => {
      const text = (value: string, reason: string | null = null) =>
        event({
          object: 'text_completion',
          choices: [{ index: 0, text: value, logprobs: null, finish_reason: reason }],
        });
      stage.model.play([
        { send: text('Ru') },
        { send: text('st', 'stop') },
        { send: openai.usage() },
        { send: openai.done() },
      ]);
      expect(await run('completions', { content: content() })).toEqual({
        object: 'text_completion',
        text: 'Rust',
        reason: 'stop',
        streamed: 'Rust',
      });
    });
  });

  describe('ollama', () => {
    let stage: Stage;
    let sdk: PythonClient;
    const run = (scenario: string, input: Record<string, unknown> = {}, app = stage.app) =>
      sdk.run(scenario, { url: app.url, ...input });

    beforeAll(async () => {
      sdk = new PythonClient(PYTHON, 'ollama_scenarios');
      stage = await startStage((model) => ({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: model.url }));
    }, 120_000);
    afterAll(async () => {
      await sdk.close();
      await stop(stage);
    });

    it('lists models, shows one, and those that run', async () => {
      expect(await run('models')).toEqual({
        names: ['test:latest'],
        capabilities: expect.arrayContaining(['completion', 'tools', 'thinking']),
        running: [],
        missing: { type: 'ResponseError', status: 404, message: expect.stringContaining('no-such') },
      });
    });

    it('chats, with and without a stream, and thinks', async () => {
      stage.model.play([{ send: ollama.thinking('hm') }, ...ollamaText('Ru', 'st')]);
      expect(await run('chat', { content: content(), think: true })).toMatchObject({
        done: true,
        done_reason: 'stop',
        message: { role: 'assistant', content: 'Rust', thinking: 'hm' },
        prompt_eval_count: 3,
        eval_count: 5,
      });
      expect(stage.model.requests.at(-1)?.body).toMatchObject({ think: true });
      expect(await run('stream', { content: content(), think: true, options: { temperature: 0 } })).toEqual({
        text: 'Rust',
        thinking: 'hm',
        done: true,
        reason: 'stop',
        counts: [3, 5],
      });
    });

    it('generates', async () => {
      stage.model.play(ollamaText('Ru', 'st'));
      expect(await run('generate', { content: content() })).toMatchObject({
        whole: 'Rust',
        reason: 'stop',
        streamed: 'Rust',
      });
    });

    it('goes through a round of tools', async () => {
      stage.model.choose(roundOfTools(ollamaCall, ollamaText('Rain.')));
      expect(await run('tools', { content: content() })).toEqual({ calls: [CALL], continued: 'Rain.' });
    });

    it('gets a text that matches a schema', async () => {
      stage.model.play(ollamaText(JSON.stringify(CITY)));
      expect(await run('structured', { content: content() })).toEqual(CITY);
      expect(stage.model.requests.at(-1)?.body).toMatchObject({ format: { type: 'object' } });
    });

    it('loads a model by an empty request', async () => {
      stage.model.play([{ send: `${JSON.stringify({ model: 'test:latest', done: true, done_reason: 'load' })}\n` }]);
      expect(await run('load')).toBe('load');
    });

    it('reads errors with their status', async () => {
      stage.model.play([{ status: 404 }, { send: '{"error":"model not found"}' }]);
      expect(await run('error', { content: content(), model: 'other' })).toMatchObject({ status: 404 });
      stage.model.play([{ status: 503 }, { send: '{"error":"server busy"}' }]);
      expect(await run('error', { content: content() })).toMatchObject({
        status: 503,
        message: expect.stringContaining('server busy'),
      });
      expect(await run('error', { content: content(), key: 'wrong' }, stage.guarded)).toMatchObject({ status: 401 });
      stage.model.play(ollamaText('x'));
      await run('chat', { content: content(), key: KEY }, stage.guarded);
      expect(await run('error', { content: content(), key: KEY }, stage.guarded)).toMatchObject({ status: 429 });
    });

    it('keeps the text before an error in the stream', async () => {
      stage.model.play([{ send: ollama.text('Ru') }, { send: ollama.error('It broke.') }]);
      expect(await run('error_in_stream', { content: content() })).toMatchObject({
        type: 'ResponseError',
        text: 'Ru',
        message: expect.stringContaining('It broke.'),
      });
    });

    it('ends the request upstream when it leaves a stream', async () => {
      const before = stage.model.requests.length;
      stage.model.play([{ send: ollama.text('Ru') }, 'hang']);
      expect(await run('left_in_stream', { content: content() })).toBe('Ru');
      await upstreamEnds(stage.model, before);
    });

    it('gets embeddings', async () => {
      stage.model.setResponse('/api/embed', {
        model: 'test:latest',
        embeddings: [[0.5, -0.25]],
        total_duration: 1,
        load_duration: 1,
        prompt_eval_count: 2,
      });
      stage.model.setResponse('/api/embeddings', { embedding: [0.5, -0.25] });
      expect(await run('embed', { content: content() })).toEqual({ embeddings: [[0.5, -0.25]], old: [0.5, -0.25] });
      stage.model.setResponse('/api/embed', undefined);
      stage.model.setResponse('/api/embeddings', undefined);
    });
  });

  describe('anthropic', () => {
    let stage: Stage;
    let sdk: PythonClient;
    const run = (scenario: string, input: Record<string, unknown> = {}, app = stage.app) =>
      sdk.run(scenario, { url: app.url, ...input });

    beforeAll(async () => {
      sdk = new PythonClient(PYTHON, 'anthropic_scenarios');
      stage = await startStage((model) => ({ MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: `${model.url}/v1` }));
    }, 120_000);
    afterAll(async () => {
      await sdk.close();
      await stop(stage);
    });

    it('gets a message, and streams one', async () => {
      stage.model.play(openAiText('Ru', 'st'));
      expect(await run('messages', { content: content() })).toEqual({
        type: 'message',
        role: 'assistant',
        text: 'Rust',
        reason: 'end_turn',
        usage: [3, 5],
      });
      expect(await run('stream', { content: content() })).toEqual({ text: 'Rust', final: 'Rust', reason: 'end_turn' });
    });

    it('reads reasoning as a block', async () => {
      stage.model.play([{ send: openai.thinking('hm') }, ...openAiText('Rust')]);
      expect(await run('thinking', { content: content() })).toEqual([
        ['thinking', 'hm'],
        ['text', 'Rust'],
      ]);
    });

    it('goes through a round of tools', async () => {
      stage.model.choose(roundOfTools(openAiCall, openAiText('Rain.')));
      const use = { name: 'weather', input: { city: 'Bern' } };
      expect(await run('tools', { content: content() })).toEqual({
        streamed: [use],
        uses: [use],
        reasons: ['tool_use', 'tool_use', 'end_turn'],
        continued: 'Rain.',
      });
    });

    it('counts tokens', async () => {
      expect(await run('count_tokens', { content: 'hello world, how are you?' })).toBeGreaterThan(3);
    });

    it('reads errors as those of their classes', async () => {
      expect(await run('error', { content: content(), messages: [] })).toMatchObject({
        type: 'BadRequestError',
        status: 400,
      });
      stage.model.play([{ status: 404 }]);
      expect(await run('error', { content: content() })).toMatchObject({ type: 'NotFoundError', status: 404 });
      expect(await run('error', { content: content(), key: 'wrong' }, stage.guarded)).toMatchObject({
        type: 'AuthenticationError',
        status: 401,
      });
      stage.model.play([{ send: openai.text('Ru') }, { send: openai.error('It broke.') }]);
      expect(await run('error_in_stream', { content: content() })).toMatchObject({
        text: 'Ru',
        message: expect.stringContaining('It broke.'),
      });
    });

    it('tries again after a Retry-After, and ends the request upstream when it leaves', async () => {
      stage.model.play([{ status: 503, headers: { 'retry-after': '1' } }], openAiText('again'));
      expect(await run('retried', { content: content() })).toEqual({ text: 'again', retries: 1 });
      const before = stage.model.requests.length;
      stage.model.play([{ send: openai.text('Ru') }, 'hang']);
      expect(await run('left_in_stream', { content: content() })).toBe('Ru');
      await upstreamEnds(stage.model, before);
    });
  });

  describe('with the built-in model', () => {
    let app: RunningApp;

    beforeAll(async () => {
      app = await startApp('server', { MODEL_PROVIDER: 'embedded', LOG_LEVEL: 'warn' });
    }, 120_000);
    afterAll(async () => {
      await app.stop();
    });

    const limits = { temperature: 0, max_tokens: 8 };

    it('openai chats, streams the same text, and parses structured output', async () => {
      const sdk = new PythonClient(PYTHON, 'openai_scenarios');
      const { ids } = Object(await sdk.run('models', { url: app.url }));
      const [model] = ids;
      const ask = { url: app.url, content: 'Say hello.', model };
      const whole = Object(await sdk.run('chat', { ...ask, ...limits }));
      const text = whole.choices[0].message.content;
      expect(text).not.toBe('');
      expect(whole.usage.completion_tokens).toBeGreaterThan(0);
      expect(await sdk.run('stream', { ...ask, ...limits })).toMatchObject({ text, usage: whole.usage });
      const parsed = await sdk.run('structured', { url: app.url, content: 'Bern has 134794 people.', model });
      expect(parsed).toEqual({ name: expect.any(String), population: expect.any(Number) });
      await sdk.close();
    });

    it('ollama chats, streams the same text, and generates', async () => {
      const sdk = new PythonClient(PYTHON, 'ollama_scenarios');
      const { names } = Object(await sdk.run('models', { url: app.url }));
      const [model] = names;
      const ask = { url: app.url, content: 'Say hello.', model, options: { temperature: 0, num_predict: 8 } };
      const { message } = Object(await sdk.run('chat', ask));
      expect(message.content).not.toBe('');
      expect(await sdk.run('stream', ask)).toMatchObject({ text: message.content, done: true });
      await sdk.close();
    });
  });
});
