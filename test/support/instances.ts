import { hash, randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RedisServer, startRedis } from './redis.ts';
import { startRoundRobin } from './round-robin.ts';
import type { RunningApp } from './running-app.ts';

/**
 * With TEST_INSTANCES=3 the tests of one server run against three that share a Redis, and each of
 * their requests goes to another one.
 */
export const INSTANCES = readCount(process.env.TEST_INSTANCES);

function readCount(text = '1'): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 9) throw new Error('TEST_INSTANCES must be 1 to 9');
  return count;
}

type LeaveOut = (reason: string) => void;
let leaveOut: LeaveOut = () => {};

/** How a test is left out; `instances-setup.ts` says it. */
export function onLeaveOut(how: LeaveOut): void {
  leaveOut = how;
}

/** Leaves the current test out where it would run against several servers. `reason` is shown. */
export function needsOneServer(reason: string): void {
  if (INSTANCES === 1) return;
  leaveOut(`for one server only: ${reason}`);
  throw new Error(`for one server only: ${reason}`);
}

let redis: Promise<RedisServer> | undefined;

/** The Redis of this test file. `scope` has its own part of it. */
export async function sharedRedis(scope: string): Promise<{ REDIS_URL: string; REDIS_PREFIX: string }> {
  redis ??= startRedis();
  return { REDIS_URL: (await redis).url, REDIS_PREFIX: hash('sha256', scope, 'hex').slice(0, 12) };
}

export async function closeSharedRedis(): Promise<void> {
  const started = redis;
  redis = undefined;
  await (await started)?.close();
}

/**
 * As many servers as INSTANCES behind a front on `env`'s port, as one app. Those of one `DATA_DIR`
 * share what is in Redis, also those that are started after others have ended.
 */
export async function startInstances(
  env: Record<string, string>,
  start: (env: Record<string, string>) => Promise<RunningApp>,
): Promise<RunningApp> {
  const { PORT, ...rest } = env;
  const dataDir = env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'chill-space-apps-'));
  const shared = await sharedRedis(env.DATA_DIR ?? randomUUID());
  const own = { ...rest, DATA_DIR: dataDir, ...shared };
  const apps: RunningApp[] = [];
  const clean = async () => {
    if (env.DATA_DIR === undefined) await rm(dataDir, { recursive: true, force: true });
  };
  try {
    // The first one makes the database.
    apps.push(await start(own));
    apps.push(...(await Promise.all(Array.from({ length: INSTANCES - 1 }, () => start(own)))));
  } catch (error) {
    await Promise.all(apps.map((app) => app.kill()));
    await clean();
    throw error;
  }
  const front = await startRoundRobin(
    apps.map(({ url }) => url),
    PORT === undefined ? 0 : Number(PORT),
  );
  const ended = Promise.all(apps.map((app) => app.ended)).then(async (codes) => {
    await front.close();
    await clean();
    return codes.find((code) => code !== 0) ?? 0;
  });
  return {
    url: front.url,
    get pid(): number {
      needsOneServer('looks into a process');
      throw new Error('several processes');
    },
    output: () => apps.map((app) => app.output()).join('\n'),
    ended,
    kill: async () => {
      await Promise.all(apps.map((app) => app.kill()));
      return await ended;
    },
    stop: async (deadlineMs) => {
      await Promise.all(apps.map((app) => app.stop(deadlineMs)));
      return await ended;
    },
  };
}
