import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exclusively } from './setup-lock.mjs';

let folder: string;
let lock: string;
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chill-space-lock-'));
  lock = join(folder, 'deep', 'set-up.lock');
  children = [];
});
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Another process that takes the lock and holds it until a line comes on its standard input. */
async function holder(before = ''): Promise<ChildProcess> {
  const script = `
    import { spawn } from 'node:child_process';
    import { exclusively } from ${JSON.stringify(new URL('./setup-lock.mjs', import.meta.url).href)};
    await exclusively(${JSON.stringify(lock)}, 'building the pages', console.error, async (alsoHeldBy) => {
      ${before}
      console.log('held');
      await new Promise((resolve) => process.stdin.once('data', resolve));
    });
    process.exit(0);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

const take = (said: string[] = []) =>
  exclusively(
    lock,
    'installing packages',
    (line) => said.push(line),
    async () => 'done',
  );

it('lets one process in at a time, and names the one that is waited for', async () => {
  const first = await holder();
  const said: string[] = [];
  let finished = false;
  const second = take(said).finally(() => {
    finished = true;
  });
  await expect
    .poll(() => said)
    .toEqual([`Another start is building the pages (process ${first.pid}); waiting for it …`]);
  expect(finished).toBe(false);
  first.stdin?.write('go\n');
  expect(await second).toBe('done');
  expect(said).toHaveLength(1);
  expect(readdirSync(join(folder, 'deep'))).toEqual([]);
});

it('takes over the lock of a process that was killed', async () => {
  const first = await holder();
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(existsSync(lock)).toBe(true);
  const said: string[] = [];
  expect(await take(said)).toBe('done');
  expect(said).toEqual([]);
});

it('waits for a child that outlives the process that started it', async () => {
  const first = await holder(`
    const child = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
    alsoHeldBy(child.pid);`);
  const pids = JSON.parse(readFileSync(lock, 'utf8')).processes.map(({ pid }: { pid: number }) => pid);
  expect(pids).toEqual([first.pid, expect.any(Number)]);
  first.kill('SIGKILL');
  await once(first, 'exit');
  const said: string[] = [];
  const second = take(said);
  await expect.poll(() => said.length).toBe(1);
  process.kill(pids[1], 'SIGKILL');
  expect(await second).toBe('done');
});

it('does not take another program with a reused pid for the holder', async () => {
  await take();
  writeFileSync(
    lock,
    JSON.stringify({ host: hostname(), task: 'building', processes: [{ pid: process.pid, began: '1' }] }),
  );
  expect(await take()).toBe('done');
});

it.each([
  ['of another host', JSON.stringify({ host: 'elsewhere', task: 'building', processes: [{ pid: 1 }] })],
  ['that is cut', '{"host":'],
])('takes over a lock %s only when its holder has been silent for long', async (_name, text) => {
  await take();
  writeFileSync(lock, text);
  const said: string[] = [];
  const second = take(said);
  await expect.poll(() => said.length).toBe(1);
  expect(readFileSync(lock, 'utf8')).toBe(text);
  const past = new Date(Date.now() - 60_000);
  utimesSync(lock, past, past);
  expect(await second).toBe('done');
});

it('lets go when the work fails', async () => {
  const failing = exclusively(
    lock,
    'building',
    () => {},
    async () => {
      throw new Error('no');
    },
  );
  await expect(failing).rejects.toThrow('no');
  expect(existsSync(lock)).toBe(false);
});

it('is held by one of many that come at once, also over an abandoned lock', async () => {
  await take();
  writeFileSync(
    lock,
    JSON.stringify({ host: hostname(), task: 'building', processes: [{ pid: process.pid, began: '1' }] }),
  );
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 8 }, () =>
      exclusively(
        lock,
        'building',
        () => {},
        async () => {
          most = Math.max(most, ++inside);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inside -= 1;
        },
      ),
    ),
  );
  expect(most).toBe(1);
});
