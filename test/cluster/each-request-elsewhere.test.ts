import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type AppCluster, startAppCluster } from '../support/app-cluster.ts';
import { chatTranscript, startGatedModel, type TranscriptLine } from '../support/chat-transcript.ts';
import { startRoundRobin } from '../support/round-robin.ts';
import { NO_PROGRAMS, type RunningApp, startApp } from '../support/running-app.ts';
import { scrape, untilWorkersServe } from '../support/worker-app.ts';

/** A client each of whose requests goes to another server, and one of a single server. */
const COUNT = 4;
const SETTINGS = {
  ...NO_PROGRAMS,
  MODEL_PROVIDER: 'ollama',
  OLLAMA_MODEL: 'test',
  QUEUE_MAX_CONCURRENT: '4',
  LOG_LEVEL: 'warn',
};
let alone: TranscriptLine[];
const clean: (() => Promise<unknown>)[] = [];

async function transcriptOf(env: Record<string, string>, serve: (app: RunningApp) => Promise<void> = async () => {}) {
  const gated = await startGatedModel();
  const dataDir = mkdtempSync(join(tmpdir(), 'elsewhere-'));
  const app = await startApp('server', { ...SETTINGS, OLLAMA_API_URL: gated.model.url, DATA_DIR: dataDir, ...env });
  clean.push(async () => {
    await app.stop(20_000);
    await gated.model.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  await serve(app);
  return { app, lines: await chatTranscript(app.url, gated) };
}

beforeAll(async () => {
  // `REDIS_URL`: one server, also where TEST_INSTANCES is set.
  alone = (await transcriptOf({ REDIS_URL: '' })).lines;
}, 120_000);

afterAll(async () => {
  await Promise.all(clean.map((end) => end()));
}, 60_000);

it(`sees no difference between one server and ${COUNT} behind a front that takes them in turn`, async () => {
  const gated = await startGatedModel();
  const cluster: AppCluster = await startAppCluster(
    Array.from({ length: COUNT }, () => ({})),
    { ...SETTINGS, OLLAMA_API_URL: gated.model.url },
  );
  const front = await startRoundRobin(cluster.apps.map(({ url }) => url));
  clean.push(async () => {
    await front.close();
    await cluster.close();
    await gated.model.close();
  });
  expect(await chatTranscript(front.url, gated)).toEqual(alone);
  expect(Math.min(...front.counts)).toBeGreaterThan(5);
}, 120_000);

it(`sees no difference between one server and WORKERS=${COUNT} at one port`, async () => {
  const { app, lines } = await transcriptOf({ WORKERS: String(COUNT) }, (started) => untilWorkersServe(started, COUNT));
  expect(lines).toEqual(alone);
  // The system has given connections to several of them.
  const metrics = await scrape(app);
  const serving = new Set(
    [...metrics.matchAll(/http_request_duration_seconds_count\{worker="(\d+)",route="\/api\/chat/g)].map(
      ([, worker]) => worker,
    ),
  );
  expect(serving.size).toBeGreaterThan(1);
}, 120_000);
