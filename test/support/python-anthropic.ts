import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openai } from './faulty-model-server.ts';
import { PythonClient } from './python-clients.ts';
import {
  content,
  openAiCall,
  openAiText,
  PYTHON,
  roundOfTools,
  type Stage,
  startStage,
  stop,
  upstreamEnds,
} from './python-stage.ts';

/** The SDK of Anthropic, in front of a running app. */
export function testAnthropicClient(): void {
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
}
