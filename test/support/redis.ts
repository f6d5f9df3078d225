import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Ends it without warning. */
  kill(): Promise<void>;
  /** Starts it again on its port: with its data, or empty. */
  restart(options?: { isEmpty?: boolean }): Promise<void>;
  /** Stops its process, as a machine without CPU time does; `resume` lets it go on. */
  freeze(): void;
  resume(): void;
  /** Sends one command, and returns the first line of the reply. */
  command(...words: string[]): Promise<string>;
  /** Ends it, and deletes its files. */
  close(): Promise<void>;
}

/**
 * A real Redis on a free port of loopback, with an append-only file in a temporary folder. Throws a
 * sentence that says what to install where it is missing.
 */
export async function startRedis(settings: readonly string[] = [], program?: string): Promise<RedisServer> {
  const executable = program ?? findProgram();
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const port = await freePort();
  const run = (data: string) => serve(executable, port, data, settings);
  let server = await run(folder);
  let restarts = 0;
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return server.pid;
    },
    kill: () => server.end('SIGKILL'),
    restart: async ({ isEmpty = false } = {}) => {
      restarts += 1;
      server = await run(isEmpty ? mkdtempSync(join(folder, `empty-${restarts}-`)) : folder);
    },
    freeze: () => void process.kill(server.pid, 'SIGSTOP'),
    resume: () => void process.kill(server.pid, 'SIGCONT'),
    command: (...words) => sendCommand(port, words),
    close: async () => {
      await server.end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function serve(executable: string, port: number, folder: string, settings: readonly string[]) {
  const child = spawn(
    executable,
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes'],
      ...['--daemonize', 'no', '--logfile', '', ...settings],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Redis did not start:\n${output}`);
    const reply = await sendCommand(port, ['PING']).catch(() => '');
    if (/^(?:\+PONG|-NOAUTH)/.test(reply)) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    pid: child.pid ?? -1,
    end: async (signal: NodeJS.Signals) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      await ended;
    },
  };
}

function sendCommand(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setTimeout(2_000, () => socket.destroy(new Error('no reply')));
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  });
}

function findProgram(): string {
  const found = ['redis-server', 'valkey-server'].find(
    (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
  );
  if (found === undefined) throw new Error('These tests need Redis 7 or newer: apt-get install redis-server');
  return found;
}

/** The keys that fit a pattern, with the time that each has to live. */
export async function scan(redis: RedisServer, pattern: string): Promise<{ name: string; ttl: number }[]> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redis.url);
  const names = await client.keys(pattern);
  const found = await Promise.all(names.map(async (name) => ({ name, ttl: await client.pttl(name) })));
  client.disconnect();
  return found;
}
