import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PythonClient } from './python-clients.ts';
import { PYTHON } from './python-stage.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from './running-app.ts';

/** Two SDKs in front of a running app with the built-in model. */
export function testBuiltInModel(): void {
  describe('with the built-in model', () => {
    let app: RunningApp;

    beforeAll(async () => {
      app = await startApp('server', { ...NO_PROGRAMS, MODEL_PROVIDER: 'embedded', LOG_LEVEL: 'warn' });
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
}
