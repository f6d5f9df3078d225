import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ollama } from './faulty-model-server.ts';
import { PythonClient } from './python-clients.ts';
import {
  CALL,
  CITY,
  content,
  KEY,
  ollamaCall,
  ollamaText,
  PYTHON,
  roundOfTools,
  type Stage,
  startStage,
  stop,
  upstreamEnds,
} from './python-stage.ts';

/** The SDK of Ollama, in front of a running app. */
export function testOllamaClient(): void {
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
}
