import { BESIDE_BARE_COLUMNS, type BesideBare, besideBareRow, besideBareVerdict } from '../beside-bare.ts';
import { chatBodies, fillCache, responsesBodies, startAppWithModel, startBare } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, measuredLoad } from '../load.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { residentMb } from '../process-tree.ts';
import { measureInTurn, median } from '../rounds.ts';

const ROUNDS = 3;
const SECONDS = 4;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const QUESTIONS = 1_000;
const MAX_P99_MS = 5;
const MAX_MEMORY_MB = 150;
const RESPONSES = '/v1/responses';
const PATHS = ['/api/chat-optimized', '/v1/chat/completions', '/v1/messages', '/api/chat', RESPONSES];
/** Every reply is stored as a response: the memory goal is not about that store. */
const RESPONSES_MAX_SIZE_MB = '8';

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

type Measured = Row & BesideBare;

/**
 * Cached responses over each API, of one question and of many, against a bare node:http server
 * with the same bytes.
 */
export const cachedQuestions: Benchmark = { name: 'cached-questions', run };

async function run(): Promise<Table> {
  const { ours, stop } = await startAppWithModel({ RESPONSES_MAX_SIZE_MB });
  const results: Measured[] = [];
  for (const row of chosenRows(ROWS)) results.push(await measure(ours, row));
  await stop();
  return report(results);
}

async function measure(server: RunningServer, row: Row): Promise<Measured> {
  const { path, questions, stream } = row;
  const asked = { path, model: MODEL, stream };
  const body = path === RESPONSES ? responsesBodies(questions, asked) : chatBodies(questions, asked);
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
  const memory = Math.max(...results.map(({ memoryMb }) => memoryMb));
  const slowest = Math.max(...results.map(({ ours }) => median(ours.map(({ p99Ms }) => p99Ms))));
  return {
    title: 'Cached answers, over each API',
    method: `POST of one chat request, or of ${QUESTIONS} different ones in turn, that are all in the cache; wrk with one thread and ${CONNECTIONS} connections for ${seconds(SECONDS)} s; ${rounds(ROUNDS)} rounds in turn with a bare node:http server that parses the same body and returns the same bytes, after one to warm up. CPU: of the server, per request; per core: the ratio of its inverses. Memory: of ours, after each row; rows are measured one after another in one process.`,
    columns: [...BESIDE_BARE_COLUMNS],
    rows: results.map(besideBareRow),
    verdicts: [
      ...results.map((one) => besideBareVerdict(one, one.goal)),
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
