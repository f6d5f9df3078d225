import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FaultyModelServer, ollama, startFaultyModelServer } from './faulty-model-server.ts';
import { type RedisServer, startRedis } from './redis.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from './running-app.ts';

export interface AppCluster {
  readonly redis: RedisServer;
  readonly model: FaultyModelServer;
  readonly apps: readonly RunningApp[];
  /** Starts one more, with what is different about it. */
  add(env?: Record<string, string>): Promise<RunningApp>;
  /** The apps in turn. */
  readonly at: (index: number) => RunningApp;
  close(): Promise<void>;
}

/**
 * Real apps that share a real Redis, one database and a model server that writes the number of its
 * call. `envs` has what is different, one for each app.
 */
export async function startAppCluster(
  envs: readonly Record<string, string>[],
  common: Record<string, string> = {},
): Promise<AppCluster> {
  const redis = await startRedis();
  const model = await startFaultyModelServer();
  const dataDir = mkdtempSync(join(tmpdir(), 'cluster-'));
  let calls = 0;
  model.choose(() => {
    calls += 1;
    return [{ send: ollama.text(`response ${calls}`) }, { send: ollama.done() }];
  });
  const apps: RunningApp[] = [];
  const add = async (env: Record<string, string> = {}) => {
    const app = await startApp('server', {
      ...NO_PROGRAMS,
      MODEL_PROVIDER: 'ollama',
      OLLAMA_API_URL: model.url,
      OLLAMA_MODEL: 'test',
      LOG_LEVEL: 'info',
      DATA_DIR: dataDir,
      SHUTDOWN_TIMEOUT_MS: '500',
      // The database has the responses, too: this one is about Redis.
      CACHE_PERSIST: 'false',
      REDIS_URL: redis.url,
      ...common,
      ...env,
    });
    apps.push(app);
    return app;
  };
  try {
    for (const env of envs) await add(env);
  } catch (error) {
    await Promise.all(apps.map((app) => app.stop(2_000)));
    await redis.close();
    await model.close();
    throw error;
  }
  return {
    redis,
    model,
    apps,
    add,
    at: (index) => apps[index % apps.length] ?? fail(),
    close: async () => {
      await Promise.all(apps.map((app) => app.stop(5_000)));
      await model.close();
      await redis.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

function fail(): never {
  throw new Error('there is no app');
}

export interface Reply {
  readonly status: number;
  readonly cache: string | null;
  /** `X-Degraded`. */
  readonly degraded: string | null;
  readonly content: string;
  readonly body: unknown;
  readonly ms: number;
}

/** One question to the native API, with the time that it took. */
export async function ask(
  { url }: RunningApp,
  content: string,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
  path = '/api/chat-optimized',
): Promise<Reply> {
  const startedMs = performance.now();
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content }], stream: false, ...fields }),
    signal: AbortSignal.timeout(10_000),
  });
  const body = await response.json();
  return {
    status: response.status,
    cache: response.headers.get('x-cache'),
    degraded: response.headers.get('x-degraded'),
    content: body?.message?.content ?? body?.content ?? body?.response ?? '',
    body,
    ms: performance.now() - startedMs,
  };
}

export async function readJson({ url }: RunningApp, path: string, headers: Record<string, string> = {}) {
  return (await fetch(url + path, { headers, signal: AbortSignal.timeout(10_000) })).json();
}
