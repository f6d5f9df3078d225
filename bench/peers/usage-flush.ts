/**
 * Writes usage to a database in the folder that is named, and prints the delay of the event loop
 * as JSON.
 */
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { administrator } from '#lib/http/principal';
import { UsageTotals } from '#lib/people/usage/usage-totals';
import { UsageWriter } from '#lib/people/usage/usage-writer';
import { openStore } from '#lib/store/open-store';

/** Users with two models each: more than a busy server has in five seconds. */
const USERS = 1_000;
const FLUSHES = 20;
const HITS_PER_TURN = 100;
const RESOLUTION_MS = 1;
const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;

const [, , dataDir = ''] = process.argv;
const totals = new UsageTotals({ now: Date.now });
const store = await openStore({ DATA_DIR: dataDir, DATABASE_URL: undefined });
const writer = new UsageWriter({
  totals,
  open: async () => store,
  statements: () => import('#lib/people/usage/usage-statements'),
  onError: (error) => {
    throw error;
  },
  onRefused: (error) => {
    throw error;
  },
});
const principals = Array.from({ length: USERS }, (_, index) => ({
  ...administrator(`user:${index}`),
  userId: `user-${index}`,
}));

/** Requests that are recorded in small portions, as they end. */
async function recordUntil(end: Promise<void>): Promise<void> {
  let isOver = false;
  void end.then(() => {
    isOver = true;
  });
  for (let index = 0; !isOver; ) {
    for (let hit = 0; hit < HITS_PER_TURN; hit++, index++) totals.hit(principals[index % USERS], 'model-a', 8);
    await delay(1);
  }
}

/** Processor time of the thread, in microseconds. Other processes do not change it. */
function threadUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

/** The processor time of each turn of the event loop, until the returned function is called. */
function watchTurns(): () => RecordableHistogram {
  const turns = createHistogram();
  let last = threadUs();
  let isOver = false;
  const watch = () => {
    const now = threadUs();
    turns.record(Math.max(1, Math.round(now - last)));
    last = now;
    if (!isOver) nextTurn(watch);
  };
  nextTurn(watch);
  return () => {
    isOver = true;
    return turns;
  };
}

interface Measured {
  median: number;
  p999: number;
  max: number;
  /** The longest turns of the event loop in processor time. */
  turn: { p999: number; max: number };
}

async function measured(work: () => Promise<void>): Promise<Measured> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const stopWatching = watchTurns();
  histogram.enable();
  await recordUntil(work());
  histogram.disable();
  const turns = stopWatching();
  return {
    median: histogram.percentile(50) / NS_PER_MS,
    p999: histogram.percentile(99.9) / NS_PER_MS,
    max: histogram.max / NS_PER_MS,
    turn: { p999: turns.percentile(99.9) / US_PER_MS, max: turns.max / US_PER_MS },
  };
}

/** A row for each user and model, in turns of the event loop as requests end. */
async function fill(): Promise<number> {
  for (const [index, principal] of principals.entries()) {
    for (const model of ['model-a', 'model-b']) totals.hit(principal, model, 8);
    if (index % HITS_PER_TURN === 0) await setImmediate();
  }
  return totals.size;
}

// Warm: modules, statements and code.
const rows = await fill();
await writer.flush();
await writer.flush();
const idle = await measured(() => delay(2_000));
const writing = await measured(async () => {
  for (let flush = 0; flush < FLUSHES; flush++) {
    await fill();
    await writer.flush();
  }
});
await writer.close();
await store.close();
process.stdout.write(JSON.stringify({ rows, flushes: FLUSHES, idle, writing }));
