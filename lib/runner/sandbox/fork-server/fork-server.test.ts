import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { anonymousFile } from '#lib/runner/sandbox/anonymous-files';
import { ForkServer, type SpawnedProcess, type SpawnRequest } from '#lib/runner/sandbox/fork-server/fork-server';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';

const pipes = new PipePool();
const servers: ForkServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function newForkServer(): ForkServer {
  const server = new ForkServer();
  servers.push(server);
  return server;
}

/** Runs a script of the shell that reads `text` on its stdin, and gives what it printed. */
async function run(server: ForkServer, script: string, text = '', more: SpawnRequest['descriptors'] = []) {
  const stdin = anonymousFile(Buffer.from(text));
  const stdout = pipes.open();
  const descriptors: SpawnRequest['descriptors'] = [
    { fd: stdin, as: 'file' },
    { fd: stdout.writer, as: 'pipe to write' },
    undefined,
    ...more,
  ];
  const spawned = server.spawn({ executable: '/bin/sh', args: ['-c', script], uid: undefined, descriptors });
  await spawned.started;
  for (const fd of [stdin, stdout.writer]) closeSync(fd);
  const printed = new Socket({ fd: stdout.reader, readable: true, writable: false }).setEncoding('utf8').toArray();
  return { spawned, printed: printed.then((chunks) => chunks.join('')) };
}

const parentOf = (pid: number | undefined) =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

describe('ForkServer', () => {
  it('passes exactly the given descriptors and no environment, and reports the exit code', async () => {
    const server = newForkServer();
    const script = 'cat; env; ls -l /proc/$$/fd; exit 3';
    const { spawned, printed } = await run(server, script, 'read\n', [
      { fd: anonymousFile(Buffer.from('x')), as: 'file' },
      undefined,
      { fd: anonymousFile(Buffer.from('y')), as: 'file' },
    ]);
    expect(await spawned.exited).toBe(3);
    const [read, ...rest] = (await printed).trim().split('\n');
    expect(read).toBe('read');
    expect(rest.filter((line) => /^\w+=/.test(line) && !/^(PWD|OLDPWD|SHLVL|_)=/.test(line))).toEqual([]);
    const held = rest.flatMap((line) => / (\d+) -> (.*)$/.exec(line)?.slice(1, 3).join(' ') ?? []);
    // Descriptors inherited from the parent of the tests are /dev/null.
    const open = held.filter((line) => !/^\d{2,} \/dev\/null$/.test(line)).map((line) => line.split(' ')[0]);
    expect(open).toEqual(['0', '1', '2', '3', '5']);
  });

  it('reports a signal as a shell does', async () => {
    const { spawned } = await run(newForkServer(), 'kill -9 $$');
    expect(await spawned.exited).toBe(137);
  });

  it('reports a process that cannot be started, and continues', async () => {
    const server = newForkServer();
    const missing = server.spawn({ executable: '/no/such/program', args: [], uid: undefined, descriptors: [] });
    await expect(missing.started).rejects.toThrow(/ENOENT/);
    await expect(missing.exited).rejects.toThrow(/ENOENT/);
    const gone = { fd: 4095, as: 'file' } as const;
    const without = server.spawn({ executable: '/bin/true', args: [], uid: undefined, descriptors: [gone] });
    await expect(without.started).rejects.toThrow(/ENOENT/);
    const { spawned, printed } = await run(server, 'echo well');
    expect([await printed, await spawned.exited]).toEqual(['well\n', 0]);
  });

  it('starts a process without a reader or writer at the other end of its pipes', async () => {
    const server = newForkServer();
    const input = pipes.openInput();
    const output = pipes.open();
    closeSync(input.writer);
    closeSync(output.reader);
    const spawned = server.spawn({
      ...{ executable: '/bin/cat', args: [], uid: undefined },
      descriptors: [{ fd: input.reader, as: 'pipe to read' }, { fd: output.writer, as: 'pipe to write' }, undefined],
    });
    await spawned.started;
    for (const fd of [input.reader, output.writer]) closeSync(fd);
    expect(await spawned.exited).toBe(0);
  });

  it('reports all processes as killed when its own process is killed, and starts another', async () => {
    const server = newForkServer();
    const { spawned } = await run(server, 'exec sleep 100');
    const first = parentOf(spawned.pid);
    process.kill(first, 'SIGKILL');
    expect(await spawned.exited).toBe(137);
    process.kill(spawned.pid ?? 0, 'SIGKILL');
    const next: SpawnedProcess = (await run(server, 'exec sleep 100')).spawned;
    expect(parentOf(next.pid)).not.toBe(first);
    process.kill(next.pid ?? 0, 'SIGKILL');
    await next.exited;
  });

  it('runs in a separate session, and exits when it is closed', async () => {
    const server = newForkServer();
    const { spawned } = await run(server, 'exec sleep 100');
    const parent = parentOf(spawned.pid);
    const session = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[3];
    expect(session(parent)).toBe(String(parent));
    process.kill(spawned.pid ?? 0, 'SIGKILL');
    await spawned.exited;
    server.close();
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

describe('the process of ForkServer', () => {
  it('ends quietly when its server was killed before it could report', async () => {
    const child = fork('lib/runner/sandbox/fork-server/fork-server-process.ts', [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const written = child.stderr?.setEncoding('utf8').toArray();
    const ended = once(child, 'exit');
    const spawning = { executable: '/bin/true', args: [], uid: null, descriptors: [null, null, null] };
    child.send({ id: 1, ...spawning });
    await once(child, 'message');
    child.kill('SIGSTOP');
    child.send({ id: 2, ...spawning });
    child.disconnect();
    child.kill('SIGCONT');
    expect([await ended, (await written)?.join('')]).toEqual([[0, null], '']);
  });
});
