import { chatBodies, fillCache, startAppWithModel, startBare } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { residentMb } from '../process-tree.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';

const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const QUESTIONS = 1_000;
const MAX_P99_MS = 5;
const MAX_MEMORY_MB = 150;
const PATHS = ['/api/chat-optimized', '/v1/chat/completions', '/api/chat'];

interface Row {
  name: string;
  path: string;
  stream: boolean;
  questions: number;
  /** Share of the bare server's requests. */
  goal: number;
}

const ROWS: Row[] = PATHS.flatMap((path) => [
  { name: `${path}, one question`, path, stream: false, questions: 1, goal: path === PATHS[0] ? 0.7 : 0.6 },
  { name: `${path}, ${QUESTIONS} questions`, path, stream: false, questions: QUESTIONS, goal: 0.6 },
  { name: `${path}, one question, streamed`, path, stream: true, questions: 1, goal: 0.5 },
  { name: `${path}, ${QUESTIONS} questions, streamed`, path, stream: true, questions: QUESTIONS, goal: 0.5 },
]);

interface Measured extends Row {
  ours: MeasuredLoad[];
  bare: MeasuredLoad[];
  memoryMb: number;
}

/**
 * Cached responses over each API, of one question and of many, against a bare node:http server
 * with the same bytes.
 */
export const cachedQuestions: Benchmark = { name: 'cached-questions', run };

async function run(): Promise<Table> {
  const { ours, stop } = await startAppWithModel();
  const results: Measured[] = [];
  for (const row of chosenRows(ROWS)) results.push(await measure(ours, row));
  await stop();
  return report(results);
}

async function measure(server: RunningServer, row: Row): Promise<Measured> {
  const { path, questions, stream } = row;
  const body = chatBodies(questions, { model: MODEL, stream });
  const bare = await startBare(await fillCache(server.url + path, body));
  const contenders = [
    { server, target: path },
    { server: bare, target: '/' },
  ];
  const [ours = [], limit = []] = await measureInTurn(contenders, ROUNDS, (one) =>
    flawless(
      measuredLoad(one.server, one.target, { body, connections: CONNECTIONS, seconds: SECONDS }),
      `${row.name} of ${one.server.url}`,
    ),
  );
  await bare.stop();
  return { ...row, ours, bare: limit, memoryMb: residentMb(server.pid) };
}

function report(results: readonly Measured[]): Table {
  const of = (loads: readonly MeasuredLoad[], field: keyof MeasuredLoad) => median(loads.map((one) => one[field]));
  const all = (loads: readonly MeasuredLoad[]) => loads.map(({ requestsPerSecond }) => requestsPerSecond);
  const share = ({ ours, bare }: Measured) => medianRatio(all(ours), all(bare));
  const us = (loads: readonly MeasuredLoad[]) => loads.map(({ usPerRequest }) => usPerRequest);
  const perCore = ({ ours, bare }: Measured) => medianRatio(us(bare), us(ours));
  const memory = Math.max(...results.map(({ memoryMb }) => memoryMb));
  const slowest = Math.max(...results.map(({ ours }) => of(ours, 'p99Ms')));
  return {
    title: 'Cached answers, over each API',
    method: `POST of one chat request, or of ${QUESTIONS} different ones in turn, that are all in the cache; wrk with one thread and ${CONNECTIONS} connections for ${seconds(SECONDS)} s; ${rounds(ROUNDS)} rounds in turn with a bare node:http server that parses the same body and returns the same bytes, after one to warm up. CPU: of the server, per request; per core: the ratio of its inverses. Memory: of ours, after each row; rows are measured one after another in one process.`,
    columns: [
      '',
      'requests/s',
      'bare',
      'of bare',
      'CPU (µs)',
      'bare CPU (µs)',
      'of bare, per core',
      'p99 (ms)',
      'memory (MB)',
    ],
    rows: results.map((one) => [
      one.name,
      of(one.ours, 'requestsPerSecond').toFixed(0),
      of(one.bare, 'requestsPerSecond').toFixed(0),
      `${(share(one) * 100).toFixed(0)} %`,
      of(one.ours, 'usPerRequest').toFixed(0),
      of(one.bare, 'usPerRequest').toFixed(0),
      `${(perCore(one) * 100).toFixed(0)} %`,
      of(one.ours, 'p99Ms').toFixed(1),
      one.memoryMb.toFixed(0),
    ]),
    verdicts: [
      ...results.map((one) => ({
        goal: `${one.name}: ≥ ${one.goal * 100} % of bare`,
        result: `${(share(one) * 100).toFixed(0)} %; per core ${(perCore(one) * 100).toFixed(0)} %`,
        met: share(one) >= one.goal,
      })),
      {
        goal: `p99 ≤ ${MAX_P99_MS} ms at ${CONNECTIONS} connections`,
        result: `${slowest.toFixed(1)} ms`,
        met: slowest <= MAX_P99_MS,
      },
      {
        goal: `memory ≤ ${MAX_MEMORY_MB} MB after each row`,
        result: `${memory.toFixed(0)} MB`,
        met: memory <= MAX_MEMORY_MB,
      },
    ],
  };
}
