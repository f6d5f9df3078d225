import { closeSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { anonymousFile } from '#lib/runner/sandbox/anonymous-files';
import { ForkServer, type SpawnedProcess, type SpawnRequest } from '#lib/runner/sandbox/fork-server/fork-server';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';

const pipes = new PipePool();
const spawners: ForkServer[] = [];
afterEach(() => {
  for (const spawner of spawners.splice(0)) spawner.close();
});

function newSpawner(): ForkServer {
  const spawner = new ForkServer();
  spawners.push(spawner);
  return spawner;
}

/** Runs a script of the shell that reads `text` on its stdin, and gives what it printed. */
async function run(spawner: ForkServer, script: string, text = '', more: SpawnRequest['descriptors'] = []) {
  const stdin = anonymousFile(Buffer.from(text));
  const stdout = pipes.open();
  const descriptors: SpawnRequest['descriptors'] = [
    { fd: stdin, as: 'file' },
    { fd: stdout.writer, as: 'pipe to write' },
    undefined,
    ...more,
  ];
  const spawned = spawner.spawn({ executable: '/bin/sh', args: ['-c', script], uid: undefined, descriptors });
  await spawned.started;
  for (const fd of [stdin, stdout.writer]) closeSync(fd);
  const printed = new Socket({ fd: stdout.reader, readable: true, writable: false }).setEncoding('utf8').toArray();
  return { spawned, printed: printed.then((chunks) => chunks.join('')) };
}

const parentOf = (pid: number | undefined) =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

describe('Spawner', () => {
  it('gives a process exactly what it was lent, nothing of an environment, and tells how it ended', async () => {
    const spawner = newSpawner();
    const script = 'cat; env; ls -l /proc/$$/fd; exit 3';
    const { spawned, printed } = await run(spawner, script, 'read\n', [
      { fd: anonymousFile(Buffer.from('x')), as: 'file' },
      undefined,
      { fd: anonymousFile(Buffer.from('y')), as: 'file' },
    ]);
    expect(await spawned.exited).toBe(3);
    const [read, ...rest] = (await printed).trim().split('\n');
    expect(read).toBe('read');
    expect(rest.filter((line) => /^\w+=/.test(line) && !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([]);
    const held = rest.flatMap((line) => / (\d+) -> (.*)$/.exec(line)?.slice(1, 3).join(' ') ?? []);
    // What whoever started the tests has left open leads nowhere.
    const open = held.filter((line) => !/^\d{2,} \/dev\/null$/.test(line)).map((line) => line.split(' ')[0]);
    expect(open).toEqual(['0', '1', '2', '3', '5']);
  });

  it('tells a signal as a shell would', async () => {
    const { spawned } = await run(newSpawner(), 'kill -9 $$');
    expect(await spawned.exited).toBe(137);
  });

  it('says what cannot be started, and goes on', async () => {
    const spawner = newSpawner();
    const missing = spawner.spawn({ executable: '/no/such/program', args: [], uid: undefined, descriptors: [] });
    await expect(missing.started).rejects.toThrow(/ENOENT/);
    await expect(missing.exited).rejects.toThrow(/ENOENT/);
    const gone = { fd: 4095, as: 'file' } as const;
    const without = spawner.spawn({ executable: '/bin/true', args: [], uid: undefined, descriptors: [gone] });
    await expect(without.started).rejects.toThrow(/ENOENT/);
    const { spawned, printed } = await run(spawner, 'echo well');
    expect([await printed, await spawned.exited]).toEqual(['well\n', 0]);
  });

  it('waits for nobody at the other end of a pipe', async () => {
    const spawner = newSpawner();
    const input = pipes.openInput();
    const output = pipes.open();
    closeSync(input.writer);
    closeSync(output.reader);
    const spawned = spawner.spawn({
      ...{ executable: '/bin/cat', args: [], uid: undefined },
      descriptors: [{ fd: input.reader, as: 'pipe to read' }, { fd: output.writer, as: 'pipe to write' }, undefined],
    });
    await spawned.started;
    for (const fd of [input.reader, output.writer]) closeSync(fd);
    expect(await spawned.exited).toBe(0);
  });

  it('tells of the end of all that was under way when the process that starts them is killed, and has a new one for the next', async () => {
    const spawner = newSpawner();
    const { spawned } = await run(spawner, 'exec sleep 100');
    const first = parentOf(spawned.pid);
    process.kill(first, 'SIGKILL');
    expect(await spawned.exited).toBe(137);
    process.kill(spawned.pid ?? 0, 'SIGKILL');
    const next: SpawnedProcess = (await run(spawner, 'exec sleep 100')).spawned;
    expect(parentOf(next.pid)).not.toBe(first);
    process.kill(next.pid ?? 0, 'SIGKILL');
    await next.exited;
  });

  it('leaves the terminal to the server, and goes when it is closed', async () => {
    const spawner = newSpawner();
    const { spawned } = await run(spawner, 'exec sleep 100');
    const parent = parentOf(spawned.pid);
    const session = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    expect(session(parent)).toBe(String(parent));
    process.kill(spawned.pid ?? 0, 'SIGKILL');
    await spawned.exited;
    spawner.close();
    const isThere = () => {
      try {
        process.kill(parent, 0);
        return true;
      } catch {
        return false;
      }
    };
    for (let waited = 0; isThere() && waited < 5000; waited += 20) await delay(20);
    expect(isThere()).toBe(false);
  });
});
