import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningApp } from './running-app.ts';

/** A process below an app with WORKERS. */
export interface ChildProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All processes below `pid`, from /proc. */
export function processesBelow(pid: number): ChildProcessInfo[] {
  let children: number[];
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
  return children.flatMap((child) => [
    { pid: child, parent: pid, command: commandOf(child) },
    ...processesBelow(child),
  ]);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** Whether a process runs; one that has ended and was not waited for does not. */
export function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

export const workersOf = ({ pid }: Pick<RunningApp, 'pid'>) =>
  processesBelow(pid).filter(({ command, parent }) => parent === pid && command.includes('server.ts'));
export const redisOf = ({ pid }: Pick<RunningApp, 'pid'>) =>
  processesBelow(pid).filter(({ command }) => command.includes('redis-server'));

/** The processes of the built-in model. */
export const modelsOf = ({ pid }: Pick<RunningApp, 'pid'>) =>
  processesBelow(pid).filter(({ command }) => command.includes('embedded/worker.ts'));

/** Resolves once `count` workers serve. */
export async function untilWorkersServe(app: RunningApp, count: number, deadlineMs = 30_000): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const text = await scrape(app).catch(() => '');
    const serving = new Set([...text.matchAll(/\{worker="(\d+)"/g)].map(([, number]) => number));
    if (serving.size === count) return;
    if (performance.now() > endMs) throw new Error(`${serving.size} of ${count} workers serve:\n${app.output()}`);
    await delay(100);
  }
}

/** The metrics of all workers. */
export async function scrape({ url }: RunningApp): Promise<string> {
  const response = await fetch(`${url}/api/metrics`, {
    headers: { connection: 'close' },
    signal: AbortSignal.timeout(10_000),
  });
  return await response.text();
}

/** The socket of the Redis that the supervisor of a DATA_DIR has started. */
export const redisSocket = (dataDir: string) => join(dataDir, 'redis', 'redis.sock');

/** Sends one command to that Redis, and returns its reply as it came. */
export function redisCommand(dataDir: string, ...words: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(redisSocket(dataDir));
    socket.setTimeout(5_000, () => socket.destroy(new Error('no reply')));
    socket.once('error', reject);
    socket.once('data', (chunk: Buffer) => {
      resolve(chunk.toString());
      socket.destroy();
    });
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  });
}
