import { execFileSync } from 'node:child_process';
import type { DatabaseLoad } from '../database-load.ts';
import type { Benchmark, Table } from '../harness.ts';
import { seconds } from '../options.ts';
import { untilQuiet } from '../process-tree.ts';
import { measureInTurn, median, medianDifference } from '../rounds.ts';

const ROUNDS = 5;
const SECONDS = 10;
const MAX_BLOCKED_MS = 5;

interface Load {
  name: string;
  perSecond: number;
  bytes: number;
}

const LOADS: readonly Load[] = [
  { name: 'no writes', perSecond: 0, bytes: 0 },
  { name: '100 rows/s of 200 B', perSecond: 100, bytes: 200 },
  { name: '5,000 rows/s of 200 B', perSecond: 5_000, bytes: 200 },
  { name: '100 rows/s of 64 KiB', perSecond: 100, bytes: 64 * 1024 },
];

/** How long writes to the database hold the event loop, and when they are on disk. */
export const databaseWrites: Benchmark = { name: 'database-writes', run };

async function run(): Promise<Table> {
  const length = seconds(SECONDS);
  const results = await measureInTurn(LOADS, ROUNDS, async ({ perSecond, bytes }): Promise<DatabaseLoad> => {
    await untilQuiet();
    const args = ['bench/database-load.ts', perSecond, bytes, length].map(String);
    return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
  });
  const blocked = (of: DatabaseLoad[] | undefined) => (of ?? []).map(({ loop }) => loop.p999);
  const added = results.slice(1).map((rounds) => medianDifference(blocked(rounds), blocked(results[0])));
  const worst = Math.max(...added);
  return {
    title: 'Database: writes next to a busy event loop',
    method: `A process writes rows to a new SQLite database for ${length} s, next to the same process that writes none, in turn; medians. Delay of the event loop by monitorEventLoopDelay at 1 ms.`,
    columns: ['', 'loop p99 (ms)', 'p99.9 (ms)', 'max (ms)', 'on disk p50 (ms)', 'p99 (ms)', 'CPU a row (µs)'],
    rows: LOADS.map(({ name, perSecond }, index) => {
      const figure = (read: (load: DatabaseLoad) => number) => median((results[index] ?? []).map(read));
      const ofRows = (read: (load: DatabaseLoad) => number) => (perSecond === 0 ? '–' : figure(read).toFixed(1));
      return [
        name,
        ...[figure(({ loop }) => loop.p99), figure(({ loop }) => loop.p999), figure(({ loop }) => loop.max)].map((ms) =>
          ms.toFixed(1),
        ),
        ofRows(({ onDisk }) => onDisk.p50),
        ofRows(({ onDisk }) => onDisk.p99),
        ofRows(({ cpuPerRow }) => cpuPerRow),
      ];
    }),
    verdicts: [
      {
        goal: `writes hold the event loop for at most ${MAX_BLOCKED_MS} ms (p99.9 above that without writes)`,
        result: `${worst.toFixed(1)} ms`,
        met: worst <= MAX_BLOCKED_MS,
      },
    ],
  };
}
