import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis.ts';

export interface WatchedRedis {
  /** With all sentinels. */
  readonly url: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  close(): Promise<void>;
}

const SENTINELS = 3;
/** A master that is silent for so long is replaced. */
const DOWN_AFTER_MS = 2_000;
const POLL_MS = 50;

/** A master and its replica, watched by three sentinels, of which two have to agree. */
export async function startWatchedRedis(): Promise<WatchedRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'sentinels-'));
  const master = await startRedis();
  const following = ['--replicaof', '127.0.0.1', String(master.port)];
  const replica = await startRedis(following);
  const children: ChildProcess[] = [];
  const ports: number[] = [];
  for (let index = 0; index < SENTINELS; index++) {
    const port = await freePort();
    const file = join(folder, `${index}.conf`);
    const lines = [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor main 127.0.0.1 ${master.port} 2`,
      `sentinel down-after-milliseconds main ${DOWN_AFTER_MS}`,
      'sentinel failover-timeout main 10000',
      'sentinel parallel-syncs main 1',
    ];
    await writeFile(file, `${lines.join('\n')}\n`);
    children.push(spawn('redis-sentinel', [file], { cwd: folder, stdio: 'ignore' }));
    ports.push(port);
  }
  for (const port of ports) await untilItKnowsAll(port);
  return {
    url: `redis+sentinel://${ports.map((port) => `127.0.0.1:${port}`).join(',')}/main`,
    master,
    replica,
    close: async () => {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all([master.close(), replica.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves when a sentinel knows the replica, which is in sync, and the other sentinels. */
async function untilItKnowsAll(port: number): Promise<void> {
  const sentinel = new Redis({ port, host: '127.0.0.1', retryStrategy: () => POLL_MS, maxRetriesPerRequest: null });
  sentinel.on('error', () => {});
  for (;;) {
    const [master, replicas] = await Promise.all([fieldsOf(sentinel, 'MASTER'), fieldsOf(sentinel, 'REPLICAS')]);
    if (/num-other-sentinels,2/.test(master) && /master-link-status,ok/.test(replicas)) break;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  sentinel.disconnect();
}

/** Names and values of a reply, comma-separated; empty without one. */
async function fieldsOf(sentinel: Redis, what: string): Promise<string> {
  return flatten(await sentinel.call('SENTINEL', what, 'main').catch(() => ''));
}

function flatten(reply: unknown): string {
  if (reply instanceof Map || Array.isArray(reply)) return [...reply].map(flatten).join(',');
  if (typeof reply === 'object' && reply !== null) return Object.entries(reply).map(flatten).join(',');
  return String(reply);
}
