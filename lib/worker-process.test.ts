import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WORKER_ROLE } from '#lib/worker-process';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'worker-process-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program with a channel, and the role of a worker. */
function start(program: string, role: object | undefined) {
  const file = join(folder, 'program.mjs');
  writeFileSync(file, `import { workerProcess } from '${join(process.cwd(), 'lib/worker-process.ts')}';\n${program}`);
  const { NODE_OPTIONS: _options, ...env } = process.env;
  return fork(file, { env: { ...env, ...(role && { [WORKER_ROLE]: JSON.stringify(role) }) }, execArgv: [] });
}

it('gives a worker its role once, and keeps it from programs that it starts', async () => {
  const child = start(
    `const self = workerProcess();
     self.send('life', { number: self.number, banner: self.writesBanner, left: process.env.${WORKER_ROLE} ?? 'none' });`,
    { number: 2, writesBanner: true },
  );
  const [message] = await once(child, 'message');
  expect(message).toEqual({ topic: 'life', body: { number: 2, banner: true, left: 'none' } });
  child.kill('SIGKILL');
});

it('is no worker without a role', async () => {
  const child = start(`process.send({ is: workerProcess() === undefined }); process.disconnect();`, undefined);
  const [message] = await once(child, 'message');
  expect(message).toEqual({ is: true });
  child.kill('SIGKILL');
});

it('hands messages that came early to the listener of their topic, and drops what is no message', async () => {
  const child = start(
    `const self = workerProcess();
     const got = [];
     process.on('message', (message) => {
       if (message !== 'go') return;
       self.listen('model', (body) => got.push(['model', body]));
       self.listen('life', (body) => { got.push(['life', body]); if (body === 'last') self.send('life', got); });
     });
     self.send('life', 'ready');`,
    { number: 1, writesBanner: false },
  );
  await once(child, 'message');
  for (const message of [{ topic: 'model', body: 1 }, { topic: 'other' }, { topic: 'life', body: 2 }, 'go'])
    child.send(message);
  child.send({ topic: 'life', body: 'last' });
  const [message] = await once(child, 'message');
  expect(message).toEqual({
    topic: 'life',
    body: [
      ['model', 1],
      ['life', 2],
      ['life', 'last'],
    ],
  });
  child.kill('SIGKILL');
});
