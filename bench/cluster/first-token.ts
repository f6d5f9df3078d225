import { rounds } from '../options.ts';
import { measureInTurn, median, medianDifference } from '../rounds.ts';
import { readStream } from '../stream-client.ts';
import { addedMs, atMostMs, type Comparison, type Part } from './comparison.ts';
import { processorMs, redisProcessorMs, startGroup, startPacedModel, stopAll } from './instances.ts';

const ROUNDS = 5;
const REQUESTS = 200;
const MODEL = 'words-1-0';
const MAX_ADDED_MS = 3;

interface Round {
  firstMs: number;
  us: number;
  redisUs: number;
}

/** What the common line costs a request that finds all servers idle. */
export const firstToken: Part = {
  name: 'first token, idle',
  measure: async (redis) => {
    const model = await startPacedModel();
    const alone = await startGroup(1, { model });
    const one = await startGroup(1, { model, redis, prefix: 'one' });
    const two = await startGroup(2, { model, redis, prefix: 'two' });
    const contenders = [
      { name: 'alone', servers: alone },
      { name: 'one server with Redis', servers: one },
      { name: 'one of two servers with Redis', servers: two },
    ];
    let asked = 0;
    const results = await measureInTurn(contenders, ROUNDS, async ({ servers }): Promise<Round> => {
      const url = `${servers[0]?.url}/api/chat-optimized`;
      const before = [processorMs(servers), redisProcessorMs(redis)] as const;
      const firsts: number[] = [];
      for (let index = 0; index < REQUESTS; index++) {
        const messages = [{ role: 'user', content: `question ${asked++}` }];
        firsts.push((await readStream(url, { model: MODEL, stream: true, messages })).firstMs);
      }
      return {
        firstMs: median(firsts),
        us: ((processorMs(servers) - before[0]) * 1_000) / REQUESTS,
        redisUs: ((redisProcessorMs(redis) - before[1]) * 1_000) / REQUESTS,
      };
    });
    await stopAll([...alone, ...one, ...two, model]);
    const of = (index: number, field: keyof Round) => (results[index] ?? []).map((round) => round[field]);
    const added = (index: number) => medianDifference(of(index, 'firstMs'), of(0, 'firstMs'));
    const shown = (index: number) => `${median(of(index, 'firstMs')).toFixed(2)} ms`;
    const withRedis = contenders.flatMap(({ name }, index) => (index === 0 ? [] : [{ name, index }]));
    return {
      method: `First token: ${REQUESTS} streamed requests one after another, each another question, p50 of ${rounds(ROUNDS)} rounds. All servers of the row are counted, and Redis with what idle servers ask it.`,
      rows: withRedis.map(
        ({ name, index }): Comparison => ({
          name: `first token, idle, ${name}`,
          against: 'one process without Redis',
          limit: shown(0),
          value: shown(index),
          change: addedMs(added(index)),
          limitUs: median(of(0, 'us')),
          us: median(of(index, 'us')),
          redisUs: median(of(index, 'redisUs')),
        }),
      ),
      verdicts: withRedis.map(({ name, index }) =>
        atMostMs(`first token, idle, ${name}: p50 added`, added(index), MAX_ADDED_MS, addedMs),
      ),
    };
  },
};
