import { BESIDE_BARE_COLUMNS, type BesideBare, besideBareRow, besideBareVerdict } from '../beside-bare.ts';
import { chatBodies, deterministic, fillCache, startAppWithModel, startBare } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, measuredLoad } from '../load.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { peakResidentMb } from '../process-tree.ts';
import { measureInTurn } from '../rounds.ts';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 8;
const GOAL = 0.6;
const PATHS = ['/api/chat-optimized', '/v1/chat/completions'];
const QUESTION_BYTES = 500_000;
const WORDS = 'words-40-0';
const MEGABYTE = 'kilobytes-1000-0';

const longQuestion = (path: string) => [
  JSON.stringify({
    model: WORDS,
    messages: [{ role: 'user', content: 'long '.repeat(QUESTION_BYTES / 5) }],
    ...deterministic(path),
    stream: false,
  }),
];

const ROWS = PATHS.flatMap((path) => [
  { name: `${path}, answer of 1 MB`, path, bodies: () => chatBodies(1, { path, model: MEGABYTE, stream: false }) },
  {
    name: `${path}, answer of 1 MB, streamed`,
    path,
    bodies: () => chatBodies(1, { path, model: MEGABYTE, stream: true }),
  },
  { name: `${path}, body of 500 KB`, path, bodies: () => longQuestion(path) },
]);

/**
 * A large cached response, and a large request whose response is cached, against a bare node:http
 * server that parses the same body and returns the same bytes.
 */
export const largeBodies: Benchmark = { name: 'large-bodies', run };

async function run(): Promise<Table> {
  const results: BesideBare[] = [];
  for (const row of chosenRows(ROWS)) {
    // A new process for each row: its memory is that of this row.
    const { ours, stop } = await startAppWithModel();
    results.push(await measure(ours, row));
    await stop();
  }
  return report(results);
}

async function measure(server: RunningServer, { name, path, bodies }: (typeof ROWS)[number]): Promise<BesideBare> {
  const body = bodies();
  const bare = await startBare(await fillCache(server.url + path, body));
  const contenders = [
    { server, target: path },
    { server: bare, target: '/' },
  ];
  const [ours = [], limit = []] = await measureInTurn(contenders, ROUNDS, (one) =>
    flawless(measuredLoad(one.server, one.target, { body, connections: CONNECTIONS, seconds: SECONDS }), name),
  );
  await bare.stop();
  return { name, ours, bare: limit, memoryMb: peakResidentMb(server.pid) };
}

function report(results: readonly BesideBare[]): Table {
  return {
    title: 'Large cached answers and large requests',
    method: `POST of one chat request whose answer is cached: an answer of 1 MB, or a question of 500 KB with a short answer. wrk with one thread and ${CONNECTIONS} connections for ${seconds(SECONDS)} s; ${rounds(ROUNDS)} rounds in turn with a bare node:http server that parses the same body and returns the same bytes, after one to warm up. CPU: of the server, per request; per core: the ratio of its inverses. Memory: the most that our process took in that row.`,
    columns: [...BESIDE_BARE_COLUMNS],
    rows: results.map(besideBareRow),
    verdicts: results.map((one) => besideBareVerdict(one, GOAL)),
  };
}
