import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openai, type Script } from './faulty-model-server.ts';
import { INSTANCES } from './instances.ts';
import { PythonClient } from './python-clients.ts';
import {
  CITY,
  content,
  event,
  KEY,
  openAiCall,
  openAiText,
  PYTHON,
  roundOfTools,
  type Stage,
  startStage,
  stop,
  upstreamEnds,
} from './python-stage.ts';

/** The SDK of OpenAI, in front of a running app. */
export function testOpenAiClient(): void {
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
      const choices = await run('choices', { content: content(), n: 2 });
      // Several servers call the model in any order.
      expect(INSTANCES === 1 ? choices : (choices as string[]).toSorted()).toEqual(['one', 'two']);
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
}
