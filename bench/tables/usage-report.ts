import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { SERVER_ARGUMENTS } from '../../scripts/server-process.ts';
import { type Benchmark, type RunningServer, scratchDirectory, startApp, type Table } from '../harness.ts';
import { chosenRows, rounds } from '../options.ts';
import { untilQuiet } from '../process-tree.ts';
import { median } from '../rounds.ts';

const DAYS = 400;
const USERS = 500;
const GROUPS = 20;
const KEYS = 2;
const MODELS = 5;
const SERVERS = 5;
const ROWS = DAYS * USERS * KEYS * MODELS * SERVERS;
const ROUNDS = 3;
const MAX_REPORT_MS = 1_000;
const MAX_DELAY_MS = 5;
/** As the server has it. */
const HEAP = SERVER_ARGUMENTS.filter((argument) => argument.startsWith('--max-'));
/** In the middle of a month: the last 30 days are no whole month. */
const LAST_DAY = '2026-11-15';

const REPORTS: { name: string; query: Record<string, string> }[] = [
  { name: '30 days by user and model', query: { ...last(30), group_by: 'user,model' } },
  { name: '30 days by day and user', query: { ...last(30), group_by: 'day,user' } },
  { name: '30 days by user and model server', query: { ...last(30), group_by: 'user,server' } },
  { name: '400 days by day', query: { ...last(DAYS), group_by: 'day' } },
  { name: '400 days by day, model and model server', query: { ...last(DAYS), group_by: 'day,model,server' } },
  { name: '400 days by group', query: { ...last(DAYS), group_by: 'group' } },
  { name: '400 days by user', query: { ...last(DAYS), group_by: 'user' } },
  { name: '400 days by key', query: { ...last(DAYS), group_by: 'key' } },
  { name: '400 days by month and user, as CSV', query: { ...last(DAYS), group_by: 'month,user', format: 'csv' } },
  { name: '400 days of one user by day and model', query: { ...last(DAYS), group_by: 'day,model', user: 'user-7' } },
  {
    name: '400 days of one user by day and model server',
    query: { ...last(DAYS), group_by: 'day,server', user: 'user-7' },
  },
  { name: '400 days of one group by user', query: { ...last(DAYS), group_by: 'user', group: 'group-3' } },
];

/**
 * Reports over ten million rows of usage, as their reader waits for them, and what writing usage
 * does to the event loop.
 */
export const usageReport: Benchmark = { name: 'usage-report', run };

async function run(): Promise<Table> {
  const dataDir = scratchDirectory('usage');
  const env = { DATA_DIR: dataDir, DATABASE_URL: '', LOG_LEVEL: 'warn', MODEL_PROVIDER: 'embedded' };
  const maker = await startApp(env);
  // The first report makes the tables.
  await ask(maker, {});
  await maker.stop();
  fill(join(dataDir, 'chill-space.db'));
  const ours = await startApp(env);
  // What a server does after its start is not what a report takes.
  await untilQuiet();
  const results: { name: string; times: number[]; rows: number }[] = [];
  for (const { name, query } of chosenRows(REPORTS)) {
    const times: number[] = [];
    let rows = 0;
    for (let round = 0; round < rounds(ROUNDS); round++) {
      const began = performance.now();
      rows = await ask(ours, query);
      times.push(performance.now() - began);
    }
    results.push({ name, times, rows });
  }
  await ours.stop();
  const flushes: Flush[] = [];
  for (let round = 0; round < rounds(ROUNDS); round++) {
    await untilQuiet();
    flushes.push(await measureFlush(scratchDirectory(`usage-flush-${round}`)));
  }
  const added = median(flushes.map(({ idle, writing }) => writing.p999 - idle.p999));
  const flushed = String(flushes[0]?.rows ?? 0);
  const slowest = Math.max(...results.map(({ times }) => Math.max(...times)));
  return {
    title: `Usage: reports over ${ROWS.toLocaleString('en')} rows, and the writing of usage`,
    method: `${USERS} users with ${KEYS} keys each use ${MODELS} models on ${SERVERS} model servers on each of ${DAYS} days: a row each, next to the sums that the server keeps. Time from the request to the last byte of the report, ${rounds(ROUNDS)} times, the first of all by a server that has just started and has nothing else to do. Writing: ${flushed} rows are written in one flush, ${flushes[0]?.flushes ?? 0} times, while requests are recorded; delay of the event loop by monitorEventLoopDelay at 1 ms.`,
    columns: ['', 'rows', 'median (ms)', 'slowest (ms)'],
    rows: [
      ...results.map(({ name, times, rows }) => [
        name,
        String(rows),
        median(times).toFixed(0),
        Math.max(...times).toFixed(0),
      ]),
      ...(['idle', 'writing'] as const).map((part) => [
        `delay of the event loop, ${part === 'idle' ? 'nothing' : 'usage'} is written (p99.9)`,
        part === 'idle' ? '' : flushed,
        median(flushes.map((flush) => flush[part].p999)).toFixed(1),
        Math.max(...flushes.map((flush) => flush[part].p999)).toFixed(1),
      ]),
      [
        'processor time of a turn of the event loop while usage is written (p99.9)',
        flushed,
        median(flushes.map(({ writing }) => writing.turn.p999)).toFixed(1),
        Math.max(...flushes.map(({ writing }) => writing.turn.p999)).toFixed(1),
      ],
    ],
    verdicts: [
      {
        goal: `each report ≤ ${MAX_REPORT_MS / 1000} s`,
        result: `${slowest.toFixed(0)} ms`,
        met: slowest <= MAX_REPORT_MS,
      },
      {
        goal: `a flush holds the event loop for ≤ ${MAX_DELAY_MS} ms (p99.9 above that without one)`,
        result: `${added.toFixed(1)} ms`,
        met: added <= MAX_DELAY_MS,
      },
    ],
  };
}

function last(days: number): { from: string; to: string } {
  const from = new Date(`${LAST_DAY}T00:00:00Z`);
  from.setUTCDate(from.getUTCDate() + 1 - days);
  return { from: from.toISOString().slice(0, 10), to: LAST_DAY };
}

/** Resolves to the number of rows. */
async function ask({ url }: RunningServer, query: Record<string, string>): Promise<number> {
  const response = await fetch(`${url}/api/admin/usage?${new URLSearchParams(query)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  if (query.format === 'csv') return text.trimEnd().split('\n').length - 1;
  return JSON.parse(text).rows.length;
}

/** Rows of every day, and the sums that the server writes next to them. */
function fill(file: string): void {
  const database = new DatabaseSync(file);
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -65536;
    CREATE TEMP TABLE numbers AS
      WITH RECURSIVE counted(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counted WHERE n < ${USERS - 1}) SELECT n FROM counted;
    CREATE TEMP TABLE dates AS
      SELECT CAST(strftime('%Y%m%d', '${LAST_DAY}', '-' || n || ' days') AS INTEGER) AS day FROM numbers WHERE n < ${DAYS};
    CREATE TEMP TABLE months AS
      SELECT day / 100 * 100 + 1 AS day, count(*) AS days FROM dates GROUP BY 1;
  `);
  const people = `numbers AS u CROSS JOIN (SELECT n FROM numbers WHERE n < ${KEYS}) AS k`;
  const models = `(SELECT n FROM numbers WHERE n < ${MODELS}) AS m`;
  const servers = `(SELECT n FROM numbers WHERE n < ${SERVERS}) AS s`;
  const user = `'user-' || u.n`;
  const key = `'key-' || u.n || '-' || k.n`;
  const group = `'group-' || (u.n % ${GROUPS})`;
  const sums = (factor: string) =>
    [20, 5, 1, 4000, 9000, 3000, 60_000, 9000, 1, 0, 0].map((figure) => `${figure} * ${factor}`).join(', ');
  // In the order of the primary key, which appends to its index.
  for (const insert of [
    `usage_days SELECT d.day, ${user}, ${key}, ${group}, 'model-' || m.n, 'server-' || s.n, '', '', ${sums('1')}
      FROM (SELECT day FROM dates ORDER BY day) AS d CROSS JOIN ${people} CROSS JOIN ${models} CROSS JOIN ${servers}`,
    `usage_months SELECT d.day, ${user}, ${key}, ${group}, 'model-' || m.n, 'server-' || s.n, '', '', ${sums('d.days')}
      FROM (SELECT day, days FROM months ORDER BY day) AS d CROSS JOIN ${people} CROSS JOIN ${models} CROSS JOIN ${servers}`,
    `usage_callers SELECT d.day, ${user}, ${key}, ${group}, 'model-' || m.n, '', '', '', ${sums(String(SERVERS))}
      FROM (SELECT day FROM dates ORDER BY day) AS d CROSS JOIN ${people} CROSS JOIN ${models}`,
    `usage_servers SELECT d.day, ${user}, ${key}, ${group}, '', 'server-' || s.n, '', '', ${sums(String(MODELS))}
      FROM (SELECT day FROM dates ORDER BY day) AS d CROSS JOIN ${people} CROSS JOIN ${servers}`,
    `usage_models SELECT d.day, '', '', 'group-' || g.n, 'model-' || m.n, 'server-' || s.n, '', '',
        ${sums(String((USERS / GROUPS) * KEYS))}
      FROM (SELECT day FROM dates ORDER BY day) AS d CROSS JOIN (SELECT n FROM numbers WHERE n < ${GROUPS}) AS g
      CROSS JOIN ${models} CROSS JOIN ${servers}`,
  ])
    database.exec(`INSERT INTO ${insert}`);
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  database.close();
}

interface Delay {
  median: number;
  p999: number;
  max: number;
  turn: { p999: number; max: number };
}

interface Flush {
  rows: number;
  flushes: number;
  idle: Delay;
  writing: Delay;
}

async function measureFlush(dataDir: string): Promise<Flush> {
  const { stdout } = await promisify(execFile)(process.execPath, [...HEAP, 'bench/peers/usage-flush.ts', dataDir]);
  return JSON.parse(stdout);
}
