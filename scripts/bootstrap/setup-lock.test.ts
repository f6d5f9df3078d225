import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exclusively } from './setup-lock.mjs';

/** What another start does around the next rename, once. */
const meanwhile = vi.hoisted<{ before?: () => void; after?: () => void }>(() => ({}));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const renameSync: typeof fs.renameSync = (from, to) => {
    const { before, after } = meanwhile;
    Object.assign(meanwhile, { before: undefined, after: undefined });
    before?.();
    fs.renameSync(from, to);
    after?.();
  };
  return { ...fs, renameSync };
});

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

/** Sets the heartbeat of a lock a minute back. */
function silent(file: string): void {
  const past = new Date(Date.now() - 60_000);
  utimesSync(file, past, past);
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

it.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('leaves no lock where %s ends its holder', async (signal) => {
  const first = await holder();
  first.kill(signal);
  const [code] = await once(first, 'exit');
  expect(code).toBe(128 + constants.signals[signal]);
  expect(existsSync(lock)).toBe(false);
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

describe('where the system does not say when a process began', () => {
  const unknown = () => JSON.stringify({ host: hostname(), task: 'building', processes: [{ pid: process.pid }] });

  it('takes a lock over once its holder has been silent for long', async () => {
    await take();
    writeFileSync(lock, unknown());
    const said: string[] = [];
    const second = take(said);
    await expect.poll(() => said.length).toBe(1);
    silent(lock);
    expect(await second).toBe('done');
  });

  it('hears from the holder all the while', async () => {
    await holder();
    silent(lock);
    await expect.poll(() => Date.now() - statSync(lock).mtimeMs, { timeout: 20_000 }).toBeLessThan(10_000);
  }, 30_000);
});

it('waits for a silent holder that is known to run', async () => {
  const first = await holder();
  silent(lock);
  const said: string[] = [];
  const second = take(said);
  await expect.poll(() => said.length).toBe(1);
  first.stdin?.write('go\n');
  expect(await second).toBe('done');
});

describe('for another user', () => {
  const abandoned = JSON.stringify({
    host: hostname(),
    task: 'building',
    processes: [{ pid: process.pid, began: '1' }],
  });

  it.each([
    ['an abandoned lock cannot be removed', { text: abandoned, fileMode: 0o644, folderMode: 0o555 }],
    ['a lock cannot be read', { text: abandoned, fileMode: 0o000, folderMode: 0o755 }],
    ['no lock can be made', { folderMode: 0o555 }],
    ['its folder cannot be made', { folderMode: 0o555, below: 'deeper' }],
  ] as [string, { text?: string; fileMode?: number; folderMode: number; below?: string }][])(
    'ends in one sentence where %s',
    async (_name, { text, fileMode = 0o644, folderMode, below = '' }) => {
      const deep = join(folder, 'deep');
      mkdirSync(deep);
      if (text !== undefined) writeFileSync(lock, text);
      if (text !== undefined) chmodSync(lock, fileMode);
      chmodSync(folder, 0o755);
      chmodSync(deep, folderMode);
      const file = join(deep, below, 'set-up.lock');
      // Root may do all of it; any other user is refused by the modes above.
      const script = `
        import { exclusively } from ${JSON.stringify(new URL('./setup-lock.mjs', import.meta.url).href)};
        if (process.getuid() === 0) {
          process.setgroups([]);
          process.setgid(65534);
          process.setuid(65534);
        }
        try {
          await exclusively(${JSON.stringify(file)}, 'building', console.log, async () => {});
          console.log('held');
        } catch (error) {
          console.log(error.constructor.name, error.message);
        }`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      let output = '';
      child.stdout.on('data', (chunk: Buffer) => {
        output += chunk;
      });
      await once(child, 'close');
      chmodSync(deep, 0o755);
      expect(output).toBe(
        `SetupError ${file}, or its folder, belongs to another user: remove it, or run this as its owner.\n`,
      );
    },
    20_000,
  );
});

describe('while an abandoned lock is removed', () => {
  const abandoned = JSON.stringify({
    host: hostname(),
    task: 'building',
    processes: [{ pid: process.pid, began: '1' }],
  });
  const inForce = (task: string) => JSON.stringify({ host: 'elsewhere', task, processes: [{ pid: 1 }] });

  beforeEach(async () => {
    await take();
    writeFileSync(lock, abandoned);
  });

  it('puts back the lock of a start that was quicker', async () => {
    meanwhile.before = () => writeFileSync(lock, inForce('second'));
    const said: string[] = [];
    const waiting = take(said);
    await expect.poll(() => said.length).toBe(1);
    expect(readFileSync(lock, 'utf8')).toBe(inForce('second'));
    expect(readdirSync(join(folder, 'deep'))).toEqual(['set-up.lock']);
    rmSync(lock);
    expect(await waiting).toBe('done');
  });

  it('does not replace the lock of a third start', async () => {
    meanwhile.before = () => writeFileSync(lock, inForce('second'));
    meanwhile.after = () => writeFileSync(lock, inForce('third'));
    const said: string[] = [];
    const waiting = take(said);
    await expect.poll(() => said.length).toBe(1);
    expect(readFileSync(lock, 'utf8')).toBe(inForce('third'));
    expect(readdirSync(join(folder, 'deep'))).toEqual(['set-up.lock']);
    rmSync(lock);
    expect(await waiting).toBe('done');
  });
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
  silent(lock);
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
