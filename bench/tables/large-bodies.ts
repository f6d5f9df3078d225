import { chatBodies, fillCache, startAppWithModel, startBare } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { chosenRows, rounds, seconds } from '../options.ts';
import { peakResidentMb } from '../process-tree.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 8;
const GOAL = 0.6;
const PATHS = ['/api/chat-optimized', '/v1/chat/completions'];
const QUESTION_BYTES = 500_000;
const WORDS = 'words-40-0';
const MEGABYTE = 'kilobytes-1000-0';

const longQuestion = () => [
  JSON.stringify({
    model: WORDS,
    messages: [{ role: 'user', content: 'long '.repeat(QUESTION_BYTES / 5) }],
    stream: false,
  }),
];

const ROWS = PATHS.flatMap((path) => [
  { name: `${path}, answer of 1 MB`, path, bodies: () => chatBodies(1, { model: MEGABYTE, stream: false }) },
  { name: `${path}, answer of 1 MB, streamed`, path, bodies: () => chatBodies(1, { model: MEGABYTE, stream: true }) },
  { name: `${path}, body of 500 KB`, path, bodies: longQuestion },
]);

interface Measured {
  name: string;
  ours: MeasuredLoad[];
  bare: MeasuredLoad[];
  peakMb: number;
}

/**
 * A large cached response, and a large request whose response is cached, against a bare node:http
 * server that parses the same body and returns the same bytes.
 */
export const largeBodies: Benchmark = { name: 'large-bodies', run };

async function run(): Promise<Table> {
  const results: Measured[] = [];
  for (const row of chosenRows(ROWS)) {
    // A new process for each row: its memory is that of this row.
    const { ours, stop } = await startAppWithModel();
    results.push(await measure(ours, row));
    await stop();
  }
  return report(results);
}

async function measure(server: RunningServer, { name, path, bodies }: (typeof ROWS)[number]): Promise<Measured> {
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
  return { name, ours, bare: limit, peakMb: peakResidentMb(server.pid) };
}

function report(results: readonly Measured[]): Table {
  const of = (loads: readonly MeasuredLoad[], field: keyof MeasuredLoad) => median(loads.map((one) => one[field]));
  const perSecond = (loads: readonly MeasuredLoad[]) => loads.map(({ requestsPerSecond }) => requestsPerSecond);
  const share = ({ ours, bare }: Measured) => medianRatio(perSecond(ours), perSecond(bare));
  const us = (loads: readonly MeasuredLoad[]) => loads.map(({ usPerRequest }) => usPerRequest);
  const perCore = ({ ours, bare }: Measured) => medianRatio(us(bare), us(ours));
  return {
    title: 'Large cached answers and large requests',
    method: `POST of one chat request whose answer is cached: an answer of 1 MB, or a question of 500 KB with a short answer. wrk with one thread and ${CONNECTIONS} connections for ${seconds(SECONDS)} s; ${rounds(ROUNDS)} rounds in turn with a bare node:http server that parses the same body and returns the same bytes, after one to warm up. CPU: of the server, per request; per core: the ratio of its inverses. Memory: the most that our process took in that row.`,
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
      one.peakMb.toFixed(0),
    ]),
    verdicts: results.map((one) => ({
      goal: `${one.name}: ≥ ${GOAL * 100} % of bare`,
      result: `${(share(one) * 100).toFixed(0)} %; per core ${(perCore(one) * 100).toFixed(0)} %`,
      met: share(one) >= GOAL,
    })),
  };
}
