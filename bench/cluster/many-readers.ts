import { setTimeout as delay } from 'node:timers/promises';
import type { RedisServer } from '../../test/support/redis.ts';
import type { RunningServer } from '../harness.ts';
import { rounds, seconds } from '../options.ts';
import { QueueClient, question } from '../queue-client.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';
import { processorMs, redisProcessorMs, startGroup, startPacedModel, stopAll } from './instances.ts';
import { Arrivals, readStamps, type StampReader } from './stamp-readers.ts';
import { type Flow, flowRow, type StreamMeasurement, shareOf } from './stream-rows.ts';

const ROUNDS = 3;
const SERVERS = 4;
const FEW = 10;
const MANY = 1_000;
const SECONDS = 8;
const SETTLE_MS = 1_000;
const PACE_MS = 50;
/** Readers that come at a time, and the time between them: the backlog of a socket is bounded. */
const GROUP = 50;
const GROUP_MS = 20;
/** Of a response that is cancelled once it was measured. */
const TOKENS = 100_000;
/**
 * The kernel counts in steps of 10 ms, about a tenth of what Redis takes in that time. If each
 * reader asked Redis by itself, it would take many times as long.
 */
const MAX_GROWTH = 1.25;

/** Many readers of one response, over four servers: Redis has one copy for each server. */
export async function measureManyReaders(redis: RedisServer): Promise<StreamMeasurement> {
  const model = await startPacedModel();
  const group = await startGroup(SERVERS, { model, redis });
  const results = await measureInTurn([FEW, MANY], ROUNDS, (readers) => measure(group, redis, readers));
  await stopAll([...group, model]);
  const [few = [], many = []] = results;
  const cpu = (flows: readonly Flow[]) => flows.map(({ redisMsPerSecond }) => redisMsPerSecond);
  const growth = medianRatio(cpu(many), cpu(few));
  const name = (readers: number) => `${readers.toLocaleString('en')} readers of one response at ${SERVERS} servers`;
  const due = (MANY * 1_000) / PACE_MS;
  const share = median(many.map(({ tokensPerSecond }) => tokensPerSecond / due));
  return {
    method: `One response, a token every ${PACE_MS} ms, with ${FEW} and with ${MANY} readers, evenly at ${SERVERS} servers; ${seconds(SECONDS)} s after all have joined, ${rounds(ROUNDS)} rounds in turn after one to warm up.`,
    rows: [flowRow(`${name(FEW)} (limit)`, few), flowRow(name(MANY), many)],
    verdicts: [
      {
        goal: `${name(MANY)}: CPU of Redis ≤ ${MAX_GROWTH} × that with ${FEW}`,
        result: `${growth.toFixed(2)} ×: ${median(cpu(few)).toFixed(1)} and ${median(cpu(many)).toFixed(1)} ms a second`,
        met: growth <= MAX_GROWTH,
      },
      {
        goal: `${name(MANY)}: each gets each token, within 2 % of the time`,
        result: `${(share * 100).toFixed(1)} % of ${due.toLocaleString('en')} a second`,
        met: share >= 0.98,
      },
    ],
  };
}

const client = new QueueClient(1);
let asked = 0;

async function measure(group: readonly RunningServer[], redis: RedisServer, count: number): Promise<Flow> {
  const queue = `${group[0]?.url}/api/chat-queue`;
  const body = question(`stamp-${TOKENS}-${PACE_MS}`, `read by many ${asked++}`);
  const { request_id: id } = await client.send(queue, 'POST', body);
  const arrivals = new Arrivals();
  const readers: StampReader[] = [];
  while (readers.length < count) {
    for (let joined = 0; joined < GROUP && readers.length < count; joined++)
      readers.push(readStamps(group[readers.length % group.length]?.url ?? '', id, arrivals));
    await delay(GROUP_MS);
  }
  await Promise.all(readers.map(({ begun }) => begun));
  await delay(SETTLE_MS);
  const before = [processorMs(group), redisProcessorMs(redis)] as const;
  arrivals.open();
  await delay(seconds(SECONDS) * 1_000);
  arrivals.close();
  const after = [processorMs(group), redisProcessorMs(redis)] as const;
  for (const reader of readers) reader.end();
  await client.send(`${queue}?requestId=${id}`, 'DELETE');
  await Promise.all(readers.map(({ over }) => over));
  return {
    tokensPerSecond: arrivals.tokens / arrivals.seconds,
    p50Ms: shareOf(arrivals.delaysUs, 0.5) / 1_000,
    p99Ms: shareOf(arrivals.delaysUs, 0.99) / 1_000,
    usPerToken: ((after[0] - before[0]) * 1_000) / arrivals.tokens,
    redisMsPerSecond: (after[1] - before[1]) / arrivals.seconds,
  };
}
