import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureModel } from '../../scripts/model.ts';
import { ensureOllama } from '../../scripts/ollama.ts';
import { type RealOllama, startOllama } from '../support/real-ollama.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** Two real Ollamas with the same model; the second one is asked by OpenAI's API as well. */

const MODEL = 'smollm2:135m';
const say = (line: string) => process.stderr.write(`${line}\n`);
const gguf = await ensureModel({ log: say });
const binary = await ensureOllama({ log: say });

describe.runIf(binary !== undefined)('two real Ollamas', { timeout: 120_000 }, () => {
  let first: RealOllama;
  let second: RealOllama;
  let app: RunningApp;

  beforeAll(async () => {
    [first, second] = await Promise.all([
      startOllama(binary ?? '', gguf, MODEL),
      startOllama(binary ?? '', gguf, MODEL),
    ]);
    app = await startApp('server', {
      ...NO_PROGRAMS,
      MODEL_PROVIDER: 'auto',
      OLLAMA_API_URL: `${first.url}#name=first,${second.url}#name=second`,
      OPENAI_BASE_URL: `${second.url}/v1#name=by-openai`,
      OLLAMA_MODEL: MODEL,
      MODEL_ALIASES: `pinned=${MODEL}@by-openai,${MODEL}@first`,
      CACHE_ENABLED: 'false',
      LOG_LEVEL: 'warn',
    });
  }, 120_000);

  afterAll(async () => {
    await app.stop(5_000);
    await Promise.all([first.close(), second.close()]);
  });

  async function ask(content: string, fields: object = {}) {
    const response = await fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        messages: [{ role: 'user', content }],
        stream: false,
        options: { temperature: 0, num_predict: 4, num_thread: 1 },
        ...fields,
      }),
    });
    const { message, model, error } = await response.json();
    const server = response.headers.get('x-model-server');
    return { status: response.status, server, model, text: message?.content, error };
  }

  it('respond side by side, and one after another from the one that has the model loaded', async () => {
    const { server } = await ask('Say one.');
    const again = await ask('Say two.');
    expect([server, again.status]).toEqual([again.server, 200]);
    const { models } = await (await fetch(`${app.url}/api/models`)).json();
    const listed = models.find(
      ({ id, provider }: { id: string; provider: string }) => id === MODEL && provider === 'ollama',
    );
    expect(listed).toMatchObject({ loaded: true, servers: ['first', 'second'] });
    const all = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(`Say ${index}.`)));
    expect(all.map(({ status, error }) => [status, error])).toEqual(all.map(() => [200, undefined]));
    const stats = await (await fetch(`${app.url}/api/cache-stats`)).json();
    expect(stats.model_servers).toMatchObject([
      { name: 'first', state: 'up', models: 1 },
      { name: 'second', state: 'up', models: 1 },
      { name: 'by-openai', provider: 'openai', state: 'up' },
    ]);
    const measured = stats.model_servers.find(({ name }: { name: string }) => name === server);
    expect(measured).toMatchObject({ loaded: [MODEL], average_ms: expect.any(Number) });
  });

  it('lose no request when one of them ends', async () => {
    const direct = await ask('Say three.', { model: 'pinned' });
    expect([direct.server, direct.error]).toEqual(['by-openai', undefined]);
    const asked = Array.from({ length: 6 }, (_, index) => ask(`Count to ${index}.`));
    await second.close();
    const all = await Promise.all(asked);
    // One that had a token when its server ended is reported, and says so.
    for (const { status, error } of all) if (status !== 200) expect(error).toContain('lost');
    const fallback = await ask('Say four.', { model: 'pinned' });
    expect([fallback.server, fallback.error]).toEqual(['first', undefined]);
    const ready = await fetch(`${app.url}/api/ready`);
    expect([ready.status, (await ready.json()).parts.model.detail]).toEqual([200, '2 of 3 model servers are down.']);
  });
});
