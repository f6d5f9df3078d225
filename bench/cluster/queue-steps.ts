import { setTimeout as delay } from 'node:timers/promises';
import { type RunningServer, startServer, type Verdict } from '../harness.ts';
import { rounds } from '../options.ts';
import { residentMb } from '../process-tree.ts';
import { QueueClient, question } from '../queue-client.ts';
import { measureInTurn, median, medianDifference } from '../rounds.ts';
import { addedMs, atMostMs, type Comparison, ms, type Part } from './comparison.ts';
import { processorMs, redisProcessorMs, startGroup, stopAll } from './instances.ts';

const ROUNDS = 2;
const WAITING = 10_000;
const PROBES = 300;
const AT_ONCE = 16;
const MODEL = 'words-1-0';
/** A response that does not end within the run. */
const ENDLESS = 'words-100000-1000';
const MAX_STEP_MS = 1;
/** Twice is linear growth of a part; a step of log n takes 13 comparisons in place of 8. */
const MAX_GROWTH = 2;
const EMPTY_WITHIN_MS = 30_000;
const STEPS = ['submit', 'poll', 'poll at the other', 'cancel at the other'] as const;
type Step = (typeof STEPS)[number];

interface Steps {
  /** p50 of each step, in ms. */
  times: Record<Step, number>;
  us: number;
  redisUs: number;
}

interface Round {
  short: Steps;
  long: Steps;
  left: number;
  /** Requests that a server has accepted by itself, since Redis did not respond in time. */
  alone: number;
  redisMb: number;
}

/** Submits, polls and cancels while few and while 10,000 requests wait. */
export const queueSteps: Part = {
  name: 'queue of 10,000',
  measure: async (redis) => {
    const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
    const env = { QUEUE_MAX_CONCURRENT: '1', QUEUE_MAX_SIZE: String(2 * WAITING) };
    const alone = await startGroup(1, { model, env });
    const two = await startGroup(2, { model, redis, env });
    const contenders = [{ servers: alone }, { servers: two }];
    // One response holds the only slot, so that all others wait.
    for (const { servers } of contenders) await client.send(queueOf(servers, 0), 'POST', question(ENDLESS, 'hold'));
    const results = await measureInTurn(
      contenders,
      ROUNDS,
      async ({ servers }): Promise<Round> => {
        const costs = () => [processorMs(servers), redisProcessorMs(redis)] as const;
        const short = await probe(servers, costs);
        const waiting = await fill(servers);
        const long = await probe(servers, costs);
        const redisMb = residentMb(redis.pid);
        await inBatches(waiting, (one) => cancelAny(servers, one));
        const alone = waiting.filter(({ isShared }) => !isShared).length;
        return { short, long, left: await leftOf(servers), alone, redisMb };
      },
      { warmUp: false },
    );
    await stopAll([...alone, ...two, model]);
    const [without = [], shared = []] = results;
    const growth = (step: Step) => median(shared.map(({ short, long }) => long.times[step] / short.times[step]));
    const p50 = (some: readonly Round[], step: Step) => median(some.map(({ long }) => long.times[step]));
    const slowest = Math.max(...STEPS.map(growth));
    const sum = (field: 'left' | 'alone') => shared.reduce((all, round) => all + round[field], 0);
    return {
      method: `Queue: while ${WAITING} wait behind a response that does not end, ${PROBES} more are submitted, polled, polled at the other server and cancelled there, each one after another; p50, ${rounds(ROUNDS)} rounds. CPU: of all four steps together, per request.`,
      rows: STEPS.map(
        (step): Comparison => ({
          name: `queue of ${WAITING}: ${step} (${growth(step).toFixed(2)} × when it is short)`,
          against: 'one process without Redis',
          limit: ms(p50(without, step)),
          value: ms(p50(shared, step)),
          change: addedMs(
            medianDifference(
              shared.map(({ long }) => long.times[step]),
              without.map(({ long }) => long.times[step]),
            ),
          ),
          limitUs: median(without.map(({ long }) => long.us)),
          us: median(shared.map(({ long }) => long.us)),
          redisUs: median(shared.map(({ long }) => long.redisUs)),
        }),
      ),
      verdicts: [
        ...STEPS.map((step): Verdict => atMostMs(`queue of ${WAITING}: ${step}, p50`, p50(shared, step), MAX_STEP_MS)),
        {
          goal: `queue of ${WAITING}: no step costs ${MAX_GROWTH} × as much as in a short one (O(log n))`,
          result: `${slowest.toFixed(2)} ×; Redis had ${median(shared.map(({ redisMb }) => redisMb)).toFixed(0)} MB`,
          met: slowest < MAX_GROWTH,
        },
        { goal: `queue of ${WAITING}: all were cancelled`, result: `${sum('left')} left`, met: sum('left') === 0 },
        {
          goal: `queue of ${WAITING}: all were accepted into the common line`,
          result: `${sum('alone')} by one server alone`,
          met: sum('alone') === 0,
        },
      ],
    };
  },
};

const client = new QueueClient(AT_ONCE);
let asked = 0;

/** The queue of the first server, or of the other one, where there is another one. */
function queueOf(servers: readonly RunningServer[], index: number): string {
  return `${servers[index % servers.length]?.url}/api/chat-queue`;
}

interface Submitted {
  id: string;
  isShared: boolean;
}

async function submit(servers: readonly RunningServer[]): Promise<Submitted> {
  const { request_id: id, saved } = await client.send(
    queueOf(servers, 0),
    'POST',
    question(MODEL, `waiting ${asked++}`),
  );
  return { id, isShared: saved !== false };
}

function addressOf(servers: readonly RunningServer[], index: number, { id }: Submitted): string {
  return `${queueOf(servers, index)}?requestId=${id}`;
}

async function cancelAny(servers: readonly RunningServer[], one: Submitted): Promise<void> {
  if (one.isShared) await client.send(addressOf(servers, 1, one), 'DELETE');
  // What a server has accepted by itself has a slot there, and may have ended.
  else await client.send(addressOf(servers, 0, one), 'DELETE').catch(() => {});
}

async function probe(
  servers: readonly RunningServer[],
  costs: () => readonly [servers: number, redis: number],
): Promise<Steps> {
  const before = costs();
  const times: Record<Step, number[]> = { submit: [], poll: [], 'poll at the other': [], 'cancel at the other': [] };
  const waiting: Submitted[] = [];
  const timed = async (step: Step, work: () => Promise<unknown>) => {
    const startedMs = performance.now();
    await work();
    times[step].push(performance.now() - startedMs);
  };
  const at = (index: number, one: Submitted) => addressOf(servers, index, one);
  for (let index = 0; index < PROBES; index++)
    await timed('submit', async () => {
      const one = await submit(servers);
      if (one.isShared) waiting.push(one);
    });
  for (const one of waiting) await timed('poll', () => client.send(at(0, one), 'GET'));
  for (const one of waiting) await timed('poll at the other', () => client.send(at(1, one), 'GET'));
  for (const one of waiting) await timed('cancel at the other', () => client.send(at(1, one), 'DELETE'));
  const after = costs();
  return {
    times: {
      submit: median(times.submit),
      poll: median(times.poll),
      'poll at the other': median(times['poll at the other']),
      'cancel at the other': median(times['cancel at the other']),
    },
    us: ((after[0] - before[0]) * 1_000) / PROBES,
    redisUs: ((after[1] - before[1]) * 1_000) / PROBES,
  };
}

/** Submits until all wait. */
async function fill(servers: readonly RunningServer[]): Promise<Submitted[]> {
  const waiting: Submitted[] = [];
  await inBatches(Array.from({ length: WAITING }), async () => void waiting.push(await submit(servers)));
  return waiting;
}

async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE)
    await Promise.all(items.slice(from, from + AT_ONCE).map(work));
}

/** How many wait still; the common line is counted from time to time. */
async function leftOf(servers: readonly RunningServer[]): Promise<number> {
  const untilMs = performance.now() + EMPTY_WITHIN_MS;
  for (;;) {
    const { queue_length: left } = await client.send(queueOf(servers, 0), 'GET');
    if (left === 0 || performance.now() > untilMs) return left;
    await delay(100);
  }
}
