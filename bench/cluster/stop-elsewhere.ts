import { setTimeout as delay } from 'node:timers/promises';
import { ollama, startFaultyModelServer } from '../../test/support/faulty-model-server.ts';
import { questionOf } from '../../test/support/obedient-model.ts';
import { rounds } from '../options.ts';
import { QueueClient, question } from '../queue-client.ts';
import { median } from '../rounds.ts';
import { addedMs, atMostMs, ms, type Part } from './comparison.ts';
import { processorMs, RequestOwners, redisProcessorMs, startGroup, stopAll } from './instances.ts';

const ROUNDS = 100;
const WARM_UP = 10;
const MAX_P50_MS = 20;
const MAX_MS = 1_500;
const LOOK_EVERY_MS = 2;
const BEGUN_WITHIN_MS = 10_000;
/** A response that is not stopped is a fault, and no slow one. */
const CLOSED_WITHIN_MS = 30_000;

/** From a DELETE until the model server sees that its connection is closed. */
export const stopElsewhere: Part = {
  name: 'stop',
  measure: async (redis) => {
    const model = await startFaultyModelServer(0, ['completion']);
    model.choose(() => [{ send: ollama.text('one ') }, 'hang']);
    const group = await startGroup(2, { model, redis, env: { OLLAMA_MODEL: 'test' } });
    const owners = await RequestOwners.of(group, redis);
    const client = new QueueClient(2);
    const [here, elsewhere]: [number[], number[]] = [[], []];
    const before = { us: 0, redisUs: 0 };
    for (let round = -WARM_UP; round < rounds(ROUNDS); round++) {
      if (round === 0) Object.assign(before, { us: processorMs(group), redisUs: redisProcessorMs(redis) });
      for (const times of round % 2 === 0 ? [here, elsewhere] : [elsewhere, here]) {
        const content = `stop ${round}, ${times === here ? 'here' : 'elsewhere'}`;
        const [first] = group;
        const body = question('test', content);
        const { request_id: id } = await client.send(`${first?.url}/api/chat-queue`, 'POST', body);
        const owner = await owners.find(id);
        const call = await callOf(model.requests, content);
        const target = group.find((server) => (server === owner) === (times === here));
        const sentMs = performance.now();
        const [, isWhole] = await Promise.all([
          client.send(`${target?.url}/api/chat-queue?requestId=${id}`, 'DELETE'),
          Promise.race([call.over, delay(CLOSED_WITHIN_MS, 'open' as const, { ref: false })]),
        ]);
        const closedMs = performance.now() - sentMs;
        if (isWhole !== false) throw new Error(`the model server did not see the end of "${content}"`);
        if (round >= 0) times.push(closedMs);
        model.requests.length = 0;
      }
    }
    const requests = 2 * rounds(ROUNDS);
    const costs = {
      us: ((processorMs(group) - before.us) * 1_000) / requests,
      redisUs: ((redisProcessorMs(redis) - before.redisUs) * 1_000) / requests,
    };
    owners.close();
    await stopAll(group);
    await model.close();
    const [p50, most] = [median(elsewhere), Math.max(...elsewhere)];
    return {
      method: `Stop: ${rounds(ROUNDS)} responses that are being written, each cancelled at the server that does not write it, and as many at the one that does; until the model server sees the close. CPU: of a response from its submission to its end.`,
      rows: [
        {
          name: 'stop at another server, p50',
          against: 'stop at the server that writes it',
          limit: ms(median(here)),
          value: ms(p50),
          change: addedMs(p50 - median(here)),
          ...costs,
        },
        {
          name: 'stop at another server, longest',
          against: 'the same',
          limit: ms(Math.max(...here)),
          value: ms(most),
          change: addedMs(most - Math.max(...here)),
        },
      ],
      verdicts: [
        atMostMs('stop at another server: the model server sees it, p50', p50, MAX_P50_MS),
        atMostMs('stop at another server: the model server sees it, longest', most, MAX_MS),
      ],
    };
  },
};

type Calls = Awaited<ReturnType<typeof startFaultyModelServer>>['requests'];

async function callOf(calls: Calls, content: string): Promise<Calls[number]> {
  const untilMs = performance.now() + BEGUN_WITHIN_MS;
  for (;;) {
    const call = calls.find(({ body }) => questionOf(body) === content);
    if (call !== undefined) return call;
    if (performance.now() > untilMs) throw new Error(`the model server was not asked "${content}"`);
    await delay(LOOK_EVERY_MS);
  }
}
