import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { auditListSchema } from '#lib/wire/people';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';

/** What the audit log has of changes: the old and the new value of each field. */

const KEY = 'correct-horse-battery';
const MODEL = 'smollm2:135m';

let folder: string;
let app: RunningApp;

const start = (more: Record<string, string> = {}) =>
  startApp('server', { ...NO_PROGRAMS, API_KEYS: KEY, DATA_DIR: folder, LOG_LEVEL: 'silent', ...more });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recorded-values-'));
});
afterEach(async () => {
  await app.stop();
  await rm(folder, { recursive: true, force: true });
});

async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
  const response = await fetch(app.url + path, {
    method,
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

it('records the old and the new values of models, settings and the banner', async () => {
  app = await start();
  const model = (change: object) => call('PATCH', '/api/admin/models', { model: MODEL, ...change });
  const setting = (change: object) => call('PATCH', '/api/admin/settings', change);
  const steps: [() => Promise<{ status: number }>, object[]][] = [
    [
      () => model({ parameters: { temperature: 0.7 } }),
      [{ field: 'parameters.temperature', before: null, after: 0.7 }],
    ],
    [() => model({ parameters: { temperature: 0.9 } }), [{ field: 'parameters.temperature', before: 0.7, after: 0.9 }]],
    [() => setting({ USAGE_RETENTION_DAYS: 90 }), [{ field: 'value', before: expect.any(Number), after: 90 }]],
    [() => setting({ USAGE_RETENTION_DAYS: 120 }), [{ field: 'value', before: 90, after: 120 }]],
    [() => setting({ USAGE_RETENTION_DAYS: null }), [{ field: 'value', before: 120, after: expect.any(Number) }]],
    [
      () => setting({ LIMIT_OUTPUT_TOKENS: 500 }),
      [expect.objectContaining({ field: 'output_tokens', before: null, after: 500 })],
    ],
    [() => call('PUT', '/api/admin/banner', { text: 'Hi' }), [expect.objectContaining({ field: 'text', after: 'Hi' })]],
  ];
  for (const [change, expected] of steps) {
    expect((await change()).status).toBe(200);
    const { entries } = auditListSchema.parse((await call('GET', '/api/admin/audit?limit=1')).body);
    expect(entries[0]?.changes).toEqual(expect.arrayContaining(expected));
  }
});

it('records which model was the default before', async () => {
  const models = ['a:1b', 'b:1b'].map((name) => ({ name, model: name, size: 1, digest: name, details: {} }));
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader('content-type', 'application/json');
    outgoing.end(JSON.stringify(incoming.url === '/api/tags' ? { models } : { models: [], version: '0.12.0' }));
  }).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const { port } = z.object({ port: z.number() }).parse(server.address());
    app = await start({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${port}` });
    for (const model of ['a:1b', 'b:1b'])
      expect((await call('PATCH', '/api/admin/models', { model, is_default: true })).status).toBe(200);
    const { entries } = auditListSchema.parse((await call('GET', '/api/admin/audit?limit=1')).body);
    expect(entries[0]?.changes).toEqual([{ field: 'default_model', before: 'a:1b', after: 'b:1b' }]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
