import { setTimeout as delay } from 'node:timers/promises';
import { startAppWithModel } from '../cached.ts';
import type { Benchmark, Table } from '../harness.ts';
import { seconds } from '../options.ts';
import { residentMb } from '../process-tree.ts';
import { median } from '../rounds.ts';
import { sendEvenly } from '../send-evenly.ts';
import { askRepeated, KINDS, type Kind, LATE_MS } from '../soak-load.ts';

const SECONDS = 1_800;
const PARTS = 30;
/** The first parts fill the caches. */
const EARLY = [5, 10] as const;
const LATE = [25, 30] as const;
const CAPACITY_SECONDS = 10;
const CAPACITY_CALLERS = [64, 256];
const LOAD = 0.7;
/** So small that it is full within the first parts. */
const CACHE_MIB = 16;
const MAX_GROWTH = 1.25;
/** What a timer of 10 ms and a shared machine add. */
const NOISE_MS = 10;
const MAX_MEMORY_GROWTH = 1.1;

/** Half an hour of mixed load below the capacity: delays and memory must not grow. */
export const soak: Benchmark = { name: 'soak', run, isLong: true };

interface Part {
  times: Map<string, number[]>;
  failures: string[];
  residentMb: number;
}

async function run(): Promise<Table> {
  const { ours, stop } = await startAppWithModel({
    QUEUE_MAX_CONCURRENT: '1000',
    CACHE_MAX_SIZE_MB: String(CACHE_MIB),
  });
  try {
    await askRepeated(ours.url);
    const capacity = await measureCapacity(ours.url);
    const perSecond = LOAD * capacity;
    const parts: Part[] = [];
    const pending = new Set<Promise<void>>();
    for (let part = 0; part < PARTS; part++) {
      const current: Part = { times: new Map(KINDS.map(({ name }) => [name, []])), failures: [], residentMb: 0 };
      const lengthMs = (seconds(SECONDS) * 1_000) / PARTS;
      const start = () => {
        const one = timed(nextKind(), ours.url, current).finally(() => pending.delete(one));
        pending.add(one);
      };
      await sendEvenly(perSecond, start, (passedMs) => passedMs >= lengthMs);
      current.residentMb = residentMb(ours.pid);
      parts.push(current);
      console.error(described(parts.length, current));
    }
    await Promise.all(pending);
    return table(capacity, perSecond, parts);
  } finally {
    await stop();
  }
}

async function timed(kind: Kind, url: string, { times, failures }: Part): Promise<void> {
  try {
    const ms = await kind.send(url);
    times.get(kind.name)?.push(ms);
  } catch (error) {
    failures.push(`${kind.name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Requests per second that callers get who each send the next as soon as one has ended. */
async function measureCapacity(url: string): Promise<number> {
  const rates: number[] = [];
  for (const callers of CAPACITY_CALLERS) {
    let done = 0;
    let isOver = false;
    const work = Array.from({ length: callers }, async () => {
      while (!isOver) {
        await nextKind().send(url);
        if (!isOver) done += 1;
      }
    });
    const began = performance.now();
    await delay(CAPACITY_SECONDS * 1_000);
    isOver = true;
    rates.push((done * 1_000) / (performance.now() - began));
    await Promise.all(work);
  }
  return Math.max(...rates);
}

let turn = 0;

/** Each kind as often as its share, mixed: 37 and 100 have no common divisor. */
function nextKind(): Kind {
  let place = (turn++ * 37) % 100;
  for (const kind of KINDS) {
    if (place < kind.share) return kind;
    place -= kind.share;
  }
  throw new Error('the shares of the kinds are not a hundred');
}

function table(capacity: number, perSecond: number, parts: readonly Part[]): Table {
  const between = ([from, to]: readonly [number, number]) => parts.slice(from, to);
  const p99 = (some: readonly Part[], name: string) =>
    median(some.map(({ times }) => percentile99(times.get(name) ?? [])));
  const memoryMb = (some: readonly Part[]) => median(some.map((part) => part.residentMb));
  const failures = parts.flatMap((part) => part.failures);
  const [early, late] = [between(EARLY), between(LATE)];
  const rows = KINDS.map(({ name, share }) => ({ name, share, early: p99(early, name), late: p99(late, name) }));
  const grown = rows.filter((row) => row.late > row.early * MAX_GROWTH + NOISE_MS);
  const [earlyMb, lateMb] = [memoryMb(early), memoryMb(late)];
  return {
    title: 'Soak: mixed load below the capacity',
    method: `${seconds(SECONDS)} s at ${perSecond.toFixed(0)} requests a second, ${LOAD * 100} % of what ${CAPACITY_CALLERS.join(' or ')} callers got at most (${capacity.toFixed(0)}); requests start at a constant rate, whether or not earlier ones have ended. The time is cut in ${PARTS} parts; a figure is the median over parts ${EARLY[0] + 1} to ${EARLY[1]} and ${LATE[0] + 1} to ${LATE[1]} of the 99th percentile. Cached and uncached: the whole answer of 40 words as JSON. Streams of 40 tokens, one every 20 ms: the first token; joins: of the second reader, ${LATE_MS} ms after the first. Cancelled: the DELETE. CACHE_MAX_SIZE_MB is ${CACHE_MIB}, so that the cache is full early.`,
    columns: ['', 'of a hundred requests', 'p99 early (ms)', 'p99 late (ms)'],
    rows: [
      ...rows.map((row) => [row.name, String(row.share), row.early.toFixed(1), row.late.toFixed(1)]),
      ['resident memory (MB)', '', earlyMb.toFixed(0), lateMb.toFixed(0)],
    ],
    verdicts: [
      { goal: 'no request fails', result: failures[0] ?? 'none', met: failures.length === 0 },
      {
        goal: `p99 flat: at most ${MAX_GROWTH} × the early one, and ${NOISE_MS} ms`,
        result: grown.length === 0 ? 'all' : grown.map(({ name }) => name).join(', '),
        met: grown.length === 0,
      },
      {
        goal: `memory flat: at most ${MAX_MEMORY_GROWTH} ×`,
        result: `${(lateMb / earlyMb).toFixed(2)} ×`,
        met: lateMb <= earlyMb * MAX_MEMORY_GROWTH,
      },
    ],
  };
}

function described(part: number, { times, failures, residentMb: mb }: Part): string {
  const delays = KINDS.map(({ name }) => `${name} ${percentile99(times.get(name) ?? []).toFixed(0)}`).join(', ');
  return `  part ${part} of ${PARTS}: p99 in ms: ${delays}; ${failures.length} failed; ${mb.toFixed(0)} MB`;
}

function percentile99(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? 0;
}
