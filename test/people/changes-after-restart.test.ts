import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { NO_PROGRAMS, startApp } from '../support/running-app.ts';

it('what administrators changed is in force again while the model server is silent', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'changes-'));
  const silent = createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const env = { ...NO_PROGRAMS, DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'warn', SHUTDOWN_TIMEOUT_MS: '200' };
  const banner = { text: 'Maintenance at six.', kind: 'warn' };
  const bannerOf = async (url: string) => (await fetch(`${url}/api/admin/banner`)).json();
  try {
    const first = await startApp('server', env);
    const body = JSON.stringify(banner);
    const headers = { 'content-type': 'application/json' };
    const put = await fetch(`${first.url}/api/admin/banner`, { method: 'PUT', body, headers });
    await first.stop();
    expect(put.status).toBe(200);
    const model = { MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: `http://127.0.0.1:${port}` };
    const second = await startApp('server', { ...NO_PROGRAMS, ...env, ...model });
    try {
      await vi.waitFor(async () => expect(await bannerOf(second.url)).toEqual({ banner }));
      // The banner of the start comes after the models, which are not known for five seconds.
      expect(second.output()).not.toContain(second.url);
    } finally {
      await second.stop();
    }
  } finally {
    silent.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 60_000);
