import { setTimeout as delay } from 'node:timers/promises';
import type { RedisServer } from '../../test/support/redis.ts';
import type { RunningServer } from '../harness.ts';
import { rounds, seconds } from '../options.ts';
import { QueueClient, question } from '../queue-client.ts';
import { measureInTurn, medianDifference, medianRatio } from '../rounds.ts';
import { percent } from './comparison.ts';
import { processorMs, RequestOwners, redisProcessorMs, startGroup, startPacedModel, stopAll } from './instances.ts';
import { Arrivals, readStamps } from './stamp-readers.ts';
import { type Flow, flowRow, type StreamMeasurement, shareOf } from './stream-rows.ts';

const ROUNDS = 5;
const STREAMS = 32;
const SECONDS = 4;
/** What is read before the window opens: history, and the start of all streams. */
const SETTLE_MS = 1_000;
const PACE_MS = 20;
const MIN_SHARE = 0.98;
const MAX_ADDED_P50_MS = 8;
const MAX_ADDED_P99_MS = 30;
/** From the first submission until all are read, with the time to settle twice. */
const SPARE_SECONDS = 6;

const CONTENDERS = [
  { name: 'read at the server that writes them (limit)', isElsewhere: false },
  { name: 'read at another server', isElsewhere: true },
] as const;

interface Round extends Flow {
  cut: number;
}

/** The flow of responses that one server writes and another one serves. */
export async function measureStreamsElsewhere(redis: RedisServer): Promise<StreamMeasurement> {
  const model = await startPacedModel();
  const group = await startGroup(2, { model, redis });
  const owners = await RequestOwners.of(group, redis);
  const results = await measureInTurn(CONTENDERS, ROUNDS, ({ isElsewhere }) =>
    measure({ group, owners, redis }, isElsewhere),
  );
  owners.close();
  await stopAll([...group, model]);
  const [there = [], elsewhere = []] = results;
  const perSecond = (some: readonly Round[]) => some.map((round) => round.tokensPerSecond);
  const share = medianRatio(perSecond(elsewhere), perSecond(there));
  const added = (field: 'p50Ms' | 'p99Ms') =>
    medianDifference(
      elsewhere.map((round) => round[field]),
      there.map((round) => round[field]),
    );
  const cut = [...there, ...elsewhere].reduce((sum, round) => sum + round.cut, 0);
  const goal = `${STREAMS} streams at another server`;
  return {
    method: `${STREAMS} responses of queued requests at two servers, a token every ${PACE_MS} ms, each read once: at the server that writes it, or at the other one; ${seconds(SECONDS)} s, ${rounds(ROUNDS)} rounds in turn after one to warm up. Delay: from the model server's write of a token to its arrival at the reader, on one clock.`,
    rows: CONTENDERS.map(({ name }, index) =>
      flowRow(`${STREAMS} streams, ${name}`, results[index] ?? [], index === 0 ? undefined : there),
    ),
    verdicts: [
      { goal: `${goal}: tokens/s ≥ ${MIN_SHARE * 100} %`, result: percent(share), met: share >= MIN_SHARE },
      ...(
        [
          ['p50', added('p50Ms'), MAX_ADDED_P50_MS],
          ['p99', added('p99Ms'), MAX_ADDED_P99_MS],
        ] as const
      ).map(([what, value, limit]) => ({
        goal: `${goal}: added delay of a token, ${what}, ≤ ${limit} ms`,
        result: `${value.toFixed(1)} ms`,
        met: value <= limit,
      })),
      { goal: `${goal}: none is cut`, result: String(cut), met: cut === 0 },
    ],
  };
}

interface Servers {
  group: readonly RunningServer[];
  owners: RequestOwners;
  redis: RedisServer;
}

const client = new QueueClient(STREAMS);
let asked = 0;

async function measure({ group, owners, redis }: Servers, isElsewhere: boolean): Promise<Round> {
  const tokens = Math.ceil(((seconds(SECONDS) + SPARE_SECONDS) * 1_000) / PACE_MS);
  const ids: string[] = await Promise.all(
    Array.from({ length: STREAMS }, async (_, index) => {
      const queue = `${group[index % group.length]?.url}/api/chat-queue`;
      const body = question(`stamp-${tokens}-${PACE_MS}`, `stream ${asked++}`);
      return (await client.send(queue, 'POST', body)).request_id;
    }),
  );
  const arrivals = new Arrivals();
  const readers = await Promise.all(
    ids.map(async (id) => {
      const owner = await owners.find(id);
      const server = group.find((one) => (one === owner) !== isElsewhere);
      return readStamps(server?.url ?? owner.url, id, arrivals);
    }),
  );
  await Promise.all(readers.map(({ begun }) => begun));
  await delay(SETTLE_MS);
  const before = [processorMs(group), redisProcessorMs(redis)] as const;
  arrivals.open();
  await delay(seconds(SECONDS) * 1_000);
  arrivals.close();
  const after = [processorMs(group), redisProcessorMs(redis)] as const;
  const whole = await Promise.all(readers.map(({ over }) => over));
  return {
    tokensPerSecond: arrivals.tokens / arrivals.seconds,
    p50Ms: shareOf(arrivals.delaysUs, 0.5) / 1_000,
    p99Ms: shareOf(arrivals.delaysUs, 0.99) / 1_000,
    usPerToken: ((after[0] - before[0]) * 1_000) / arrivals.tokens,
    redisMsPerSecond: (after[1] - before[1]) / arrivals.seconds,
    cut: whole.filter((isWhole) => !isWhole).length,
  };
}
