import { createHash } from 'node:crypto';
import { Ollama } from 'ollama';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureModel } from '../../scripts/model.ts';
import { ensureOllama } from '../../scripts/ollama.ts';
import { type RealOllama, startOllama } from '../support/real-ollama.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** Management of models by the official SDK, of a real Ollama behind a running app. */

const gguf = await ensureModel({ log: (line) => process.stderr.write(`${line}\n`) });
const binary = await ensureOllama({ log: (line) => process.stderr.write(`${line}\n`) });

/** Where this machine has no Ollama and cannot build one, `ensureOllama` says so. */
if (binary !== undefined)
  describe('a real Ollama', { timeout: 120_000 }, () => {
    const MODEL = 'smollm2:135m';
    let ollama: RealOllama;
    let app: RunningApp;
    let bare: Ollama;
    let client: Ollama;

    beforeAll(async () => {
      ollama = await startOllama(binary, gguf, MODEL);
      app = await startApp('server', {
        ...NO_PROGRAMS,
        MODEL_PROVIDER: 'ollama',
        OLLAMA_API_URL: ollama.url,
        OLLAMA_MANAGE: 'true',
        LOG_LEVEL: 'silent',
      });
      bare = new Ollama({ host: ollama.url });
      client = new Ollama({ host: app.url });
    }, 120_000);

    afterAll(async () => {
      await app.stop();
      await ollama.close();
    }, 30_000);

    it('reports the same models, details and version with this server in front', async () => {
      expect(await client.list()).toEqual(await bare.list());
      expect(await client.show({ model: MODEL })).toEqual(await bare.show({ model: MODEL }));
      expect(await client.version()).toEqual(await bare.version());
      await expect(client.show({ model: 'none' })).rejects.toMatchObject({ status_code: 404 });
    });

    it('copies, creates from a blob, and deletes', async () => {
      await client.copy({ source: MODEL, destination: 'copied' });
      expect((await bare.list()).models.map(({ name }) => name)).toContain('copied:latest');
      const digest = (await bare.show({ model: MODEL })).modelfile.match(/sha256-[0-9a-f]{64}/)?.[0] ?? '';
      const statusOf = async (blob: string) => (await fetch(`${app.url}/api/blobs/${blob}`, { method: 'HEAD' })).status;
      expect(await statusOf(digest.replace('-', ':'))).toBe(200);
      expect(await statusOf(`sha256:${'0'.repeat(64)}`)).toBe(404);
      const text = Buffer.from('no model at all');
      const own = `sha256:${createHash('sha256').update(text).digest('hex')}`;
      const uploaded = await fetch(`${app.url}/api/blobs/${own}`, { method: 'POST', body: text });
      expect(uploaded.status).toBe(201);
      const created = await client.create({ model: 'made', from: MODEL, system: 'Be brief.', stream: true });
      const states = [];
      for await (const { status } of created) states.push(status);
      expect(states.at(-1)).toBe('success');
      expect((await client.show({ model: 'made' })).system).toBe('Be brief.');
      for (const model of ['made', 'copied']) await client.delete({ model });
      expect((await bare.list()).models.map(({ name }) => name)).toEqual([MODEL]);
      await expect(client.delete({ model: 'made' })).rejects.toMatchObject({ status_code: 404 });
    });

    it('loads and unloads by empty messages, as its list of loaded models shows', async () => {
      await client.chat({ model: MODEL, messages: [], options: { num_thread: 1 } });
      const [loaded] = (await client.ps()).models;
      expect(loaded).toEqual((await bare.ps()).models[0]);
      expect(loaded).toMatchObject({ name: MODEL, size: expect.any(Number), expires_at: expect.any(String) });
      await client.generate({ model: MODEL, prompt: '', keep_alive: 0, stream: false });
      await expect.poll(async () => (await bare.ps()).models, { timeout: 10_000 }).toEqual([]);
      expect((await client.ps()).models).toEqual([]);
    });
  });
