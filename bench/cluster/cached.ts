import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { chatBodies, deterministic, fillCache } from '../cached.ts';
import type { RunningServer } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { rounds, seconds } from '../options.ts';
import { treeProcessorMs } from '../process-tree.ts';
import { measureInTurn, median, medianDifference, medianRatio } from '../rounds.ts';
import { addedMs, atMostMs, type Comparison, ms, type Part, percent } from './comparison.ts';
import { redisProcessorMs, startGroup, startPacedModel, stopAll } from './instances.ts';

const ROUNDS = 5;
const SECONDS = 4;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const PATH = '/api/chat-optimized';
const MIN_SHARE = 0.95;
/** The highest that a setting takes: so that it is counted, and refuses none. */
const HIGH_LIMIT = '1000000';
const QUESTIONS = 1_000;
const MAX_SHARED_HIT_MS = 1;
/** A response goes to Redis after it was sent. */
const WRITTEN_MS = 500;

interface Round extends MeasuredLoad {
  redisUs: number;
}

/** Responses in the memory of a server: Redis is not in their way. */
export const cachedResponses: Part = {
  name: 'cached, in memory',
  measure: async (redis) => {
    const model = await startPacedModel();
    const bodies = chatBodies(1, { path: PATH, model: MODEL, stream: false });
    const [body = ''] = bodies;
    const contenders: { name: string; server: RunningServer }[] = [];
    for (const { name, limit } of [
      { name: 'no limit', limit: '0' },
      { name: 'with a limit of requests', limit: HIGH_LIMIT },
    ])
      for (const isShared of [false, true]) {
        const env = { RATE_LIMIT_CHAT: limit };
        const [server] = await startGroup(
          1,
          isShared ? { model, redis, env, prefix: `limit-${limit}` } : { model, env },
        );
        if (server === undefined) throw new Error('no server was started');
        await fillCache(server.url + PATH, bodies);
        contenders.push({ name, server });
      }
    const results = await measureInTurn(contenders, ROUNDS, ({ name, server }): Round => {
      const before = redisProcessorMs(redis);
      const load = measuredLoad(server, PATH, { body, connections: CONNECTIONS, seconds: SECONDS });
      const redisUs = ((redisProcessorMs(redis) - before) * 1_000) / load.requests;
      return { ...flawless(load, name), redisUs };
    });
    await stopAll([...contenders.map(({ server }) => server), model]);
    const of = (index: number, field: keyof Round) => (results[index] ?? []).map((round) => round[field]);
    const pairs = [0, 2].map((without) => {
      const perSecond = (index: number) => of(index, 'requestsPerSecond');
      return {
        without,
        name: `cached in memory, ${contenders[without]?.name}`,
        share: medianRatio(perSecond(without + 1), perSecond(without)),
        shown: (index: number) => `${median(perSecond(index)).toFixed(0)} a second`,
      };
    });
    return {
      method: `Cached in memory: one question, wrk with ${CONNECTIONS} connections for ${seconds(SECONDS)} s, ${rounds(ROUNDS)} rounds.`,
      rows: pairs.map(
        ({ name, without, share, shown }): Comparison => ({
          name,
          against: 'one process without Redis',
          limit: shown(without),
          value: shown(without + 1),
          change: percent(share),
          limitUs: median(of(without, 'usPerRequest')),
          us: median(of(without + 1, 'usPerRequest')),
          redisUs: median(of(without + 1, 'redisUs')),
        }),
      ),
      verdicts: pairs.map(({ name, share }) => ({
        goal: `${name}: requests/s ≥ ${MIN_SHARE * 100} % of those without Redis`,
        result: percent(share),
        met: share >= MIN_SHARE,
      })),
    };
  },
};

interface Hits {
  p50Ms: number;
  us: number;
}

/** Responses that another server has generated, and this one has not read before. */
export const sharedHits: Part = {
  name: 'cached, in Redis',
  measure: async (redis) => {
    const model = await startPacedModel();
    const group = await startGroup(2, { model, redis });
    const [writer, reader] = group;
    if (writer === undefined || reader === undefined) throw new Error('no server was started');
    const results: { fromRedis: Hits; fromMemory: Hits; redisUs: number }[] = [];
    for (let round = -1; round < rounds(ROUNDS); round++) {
      const bodies = Array.from({ length: QUESTIONS }, (_, index) => {
        const messages = [{ role: 'user', content: `Round ${round}, question ${index}.` }];
        return JSON.stringify({ model: MODEL, messages, ...deterministic(PATH), stream: false });
      });
      await fillCache(writer.url + PATH, bodies);
      await delay(WRITTEN_MS);
      const before = redisProcessorMs(redis);
      const fromRedis = await timeHits(reader, bodies);
      const redisUs = ((redisProcessorMs(redis) - before) * 1_000) / QUESTIONS;
      const fromMemory = await timeHits(reader, bodies);
      if (round >= 0) results.push({ fromRedis, fromMemory, redisUs });
    }
    await stopAll([...group, model]);
    const of = (from: 'fromRedis' | 'fromMemory', field: keyof Hits) => results.map((round) => round[from][field]);
    const p50 = median(of('fromRedis', 'p50Ms'));
    const name = 'cached in Redis, asked by one connection';
    return {
      method: `Cached in Redis: ${QUESTIONS} questions that the other server has, one after another, and then again; p50 of the whole response, ${rounds(ROUNDS)} rounds after one to warm up.`,
      rows: [
        {
          name,
          against: 'the same again, from memory',
          limit: ms(median(of('fromMemory', 'p50Ms'))),
          value: ms(p50),
          change: addedMs(medianDifference(of('fromRedis', 'p50Ms'), of('fromMemory', 'p50Ms'))),
          limitUs: median(of('fromMemory', 'us')),
          us: median(of('fromRedis', 'us')),
          redisUs: median(results.map(({ redisUs }) => redisUs)),
        },
      ],
      verdicts: [atMostMs(`${name}: p50`, p50, MAX_SHARED_HIT_MS)],
    };
  },
};

const connection = new Agent({ connections: 1 });

/** The median time of a response. Throws if one was not in the cache. */
async function timeHits({ url, pid }: RunningServer, bodies: readonly string[]): Promise<Hits> {
  const before = treeProcessorMs(pid);
  const times: number[] = [];
  for (const body of bodies) {
    const sentMs = performance.now();
    const response = await request(url + PATH, {
      dispatcher: connection,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await response.body.arrayBuffer();
    times.push(performance.now() - sentMs);
    const cache = response.headers['x-cache'];
    if (cache !== 'hit') throw new Error(`a response is not in the common cache: ${response.statusCode}, ${cache}`);
  }
  return { p50Ms: median(times), us: ((treeProcessorMs(pid) - before) * 1_000) / bodies.length };
}
