import { chatBodies, fillCache, startAppWithModel, startBare } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { rounds, seconds } from '../options.ts';
import { startNextPeer } from '../peers/next-app.ts';
import { residentMb } from '../process-tree.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';

const ROUNDS = 3;
const SECONDS = 4;
const SECONDS_ALONE = 2;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const PATH = '/api/chat-optimized';

/**
 * A cached response, as JSON and as a stream, against a bare node:http server with the same bytes,
 * and against `next start`.
 */
export const cachedJson: Benchmark = { name: 'cached-json', run: () => run(false) };
export const cachedStream: Benchmark = { name: 'cached-sse', run: () => run(true) };

interface Contender {
  name: string;
  path: string;
  server: RunningServer;
}

interface Round {
  busy: MeasuredLoad;
  single: MeasuredLoad;
}

async function run(stream: boolean): Promise<Table> {
  const { ours, stop } = await startAppWithModel();
  const bodies = chatBodies(1, { path: PATH, model: MODEL, stream });
  const [body = ''] = bodies;
  const cached = await fillCache(ours.url + PATH, bodies);
  const contenders: Contender[] = [
    { name: 'bare node:http, same bytes (limit)', path: '/', server: await startBare(cached) },
    { name: 'Chill Space, cached answer', path: PATH, server: ours },
    ...(stream
      ? []
      : [{ name: 'next start, a handler that does nothing', path: '/noop', server: await startNextPeer() }]),
  ];
  const results = await measureInTurn(contenders, ROUNDS, ({ server, path, name }): Round => {
    const load = (connections: number, length: number) =>
      flawless(measuredLoad(server, path, { body, connections, seconds: length }), name);
    return { busy: load(CONNECTIONS, SECONDS), single: load(1, SECONDS_ALONE) };
  });
  const memory = contenders.map(({ server }) => residentMb(server.pid));
  for (const { server } of contenders) if (server !== ours) await server.stop();
  await stop();
  return report(stream, contenders, results, memory);
}

function report(
  stream: boolean,
  contenders: readonly Contender[],
  results: readonly Round[][],
  memory: readonly number[],
): Table {
  const [limit = [], ours = []] = results;
  const perSecond = (list: readonly Round[]) => list.map(({ busy }) => busy.requestsPerSecond);
  const p50 = (list: readonly Round[]) => median(list.map(({ single }) => single.p50Ms));
  const p99 = (list: readonly Round[]) => median(list.map(({ busy }) => busy.p99Ms));
  const share = (list: readonly Round[]) => medianRatio(perSecond(list), perSecond(limit));
  const goal = stream ? 0.5 : 0.7;
  return {
    title: `Cached answer, ${stream ? 'server-sent events' : 'JSON'}`,
    method: `POST of the same chat request, ${rounds(ROUNDS)} rounds taken in turn after one to warm up, wrk with one thread: ${seconds(SECONDS)} s at ${CONNECTIONS} connections, ${seconds(SECONDS_ALONE)} s at one. CPU: of all processes of the server, per request at 32. Memory is the server process after all of that; a scripted model server elsewhere.`,
    columns: [
      '',
      `requests/s at ${CONNECTIONS}`,
      'of the limit',
      'CPU (µs)',
      'p50 at 1 (ms)',
      'p99 (ms)',
      'memory (MB)',
    ],
    rows: contenders.map(({ name }, index) => {
      const list = results[index] ?? [];
      return [
        name,
        median(perSecond(list)).toFixed(0),
        `${(share(list) * 100).toFixed(0)} %`,
        median(list.map(({ busy }) => busy.usPerRequest)).toFixed(0),
        p50(list).toFixed(2),
        p99(list).toFixed(1),
        (memory[index] ?? Number.NaN).toFixed(0),
      ];
    }),
    verdicts: [
      {
        goal: `≥ ${goal * 100} % of the limit at ${CONNECTIONS} connections`,
        result: `${(share(ours) * 100).toFixed(0)} %`,
        met: share(ours) >= goal,
      },
      { goal: 'p50 ≤ 1 ms at one connection', result: `${p50(ours).toFixed(2)} ms`, met: p50(ours) <= 1 },
      {
        goal: `p99 ≤ 5 ms at ${CONNECTIONS} connections`,
        result: `${p99(ours).toFixed(1)} ms`,
        met: p99(ours) <= 5,
      },
    ],
  };
}
