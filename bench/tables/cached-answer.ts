import { spawnSync } from 'node:child_process';
import {
  type Benchmark,
  type Load,
  median,
  type RunningServer,
  residentMb,
  scratchFile,
  startServer,
  type Table,
  wrk,
} from '../harness.ts';

const ROUNDS = 5;
const SECONDS = 4;
const BODY = JSON.stringify({
  messages: [{ role: 'user', content: 'Say hello in five words.' }],
  options: { seed: 1, temperature: 0 },
  stream: false,
});
const NEXT = 'node_modules/next/dist/bin/next';

interface Contender {
  name: string;
  path: string;
  server: RunningServer;
  busy: Load[];
  single: Load[];
}

/** A cached JSON answer, against a bare node:http server with the same bytes, and against `next start`. */
export const cachedAnswer: Benchmark = { name: 'chat', run };

async function run(): Promise<Table> {
  const environment = { MODEL_PROVIDER: 'embedded', RATE_LIMIT_CHAT: '0' };
  const ours = await startServer(
    ['--max-old-space-size=512', '--max-semi-space-size=16', 'server.ts'],
    '/health',
    environment,
  );
  const first = await ask(ours.url);
  const second = await ask(ours.url);
  if (first.cached || !second.cached) throw new Error('the second identical request was not answered from the cache');
  const idleMb = residentMb(ours.pid);
  const bytes = scratchFile('answer.json', second.text);
  const build = spawnSync(process.execPath, [NEXT, 'build', 'bench/peers/next'], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the Next peer does not build:\n${build.stdout}${build.stderr}`);

  const contenders: Contender[] = [
    {
      name: 'bare node:http, same bytes (limit)',
      path: '/',
      server: await startServer(
        ['bench/peers/bare-http.ts', '{port}', bytes, 'application/json; charset=utf-8'],
        '/missing',
      ),
      busy: [],
      single: [],
    },
    { name: 'Chill Space, cached answer', path: '/api/chat-optimized', server: ours, busy: [], single: [] },
    {
      name: 'next start, a handler that does nothing',
      path: '/noop',
      server: await startServer([NEXT, 'start', 'bench/peers/next', '-p', '{port}'], '/noop'),
      busy: [],
      single: [],
    },
  ];
  for (let round = -1; round < ROUNDS; round++) {
    for (const { server, path, busy, single } of contenders) {
      const load = wrk(server.url + path, BODY, 32, SECONDS);
      const alone = wrk(server.url + path, BODY, 1, 2);
      if (load.errors + alone.errors > 0)
        throw new Error(`${server.url}${path}: ${load.errors + alone.errors} errors under load`);
      // The first round warms everyone up.
      if (round >= 0) {
        busy.push(load);
        single.push(alone);
      }
    }
  }
  const loadedMb = residentMb(ours.pid);
  const memory = contenders.map(({ server }) => residentMb(server.pid));
  for (const { server } of contenders) await server.stop();
  return report(contenders, memory, idleMb, loadedMb);
}

function report(contenders: Contender[], memory: number[], idleMb: number, loadedMb: number): Table {
  const [limit, ours] = contenders;
  if (limit === undefined || ours === undefined) throw new Error('contenders are fixed');
  const relative = (contender: Contender) =>
    median(
      contender.busy.map(
        (load, round) => load.requestsPerSecond / (limit.busy[round]?.requestsPerSecond ?? Number.NaN),
      ),
    );
  const share = relative(ours);
  const p50 = median(ours.single.map((load) => load.p50Ms));
  const p99 = median(ours.busy.map((load) => load.p99Ms));
  return {
    title: 'Cached answer, JSON',
    method: `POST of the same chat request, ${ROUNDS} rounds taken in turn after one to warm up, wrk with one thread: ${SECONDS} s at 32 connections, 2 s at one. Memory is the server process after the load.`,
    columns: ['', 'requests/s at 32', 'of the limit', 'p50 at 1 (ms)', 'p99 at 32 (ms)', 'memory (MB)'],
    rows: contenders.map((contender, index) => [
      contender.name,
      median(contender.busy.map((load) => load.requestsPerSecond)).toFixed(0),
      `${(relative(contender) * 100).toFixed(0)} %`,
      median(contender.single.map((load) => load.p50Ms)).toFixed(2),
      median(contender.busy.map((load) => load.p99Ms)).toFixed(1),
      (memory[index] ?? Number.NaN).toFixed(0),
    ]),
    verdicts: [
      { goal: '≥ 60 % of the limit at 32 connections', result: `${(share * 100).toFixed(0)} %`, met: share >= 0.6 },
      { goal: 'p50 ≤ 1 ms at one connection', result: `${p50.toFixed(2)} ms`, met: p50 <= 1 },
      { goal: 'p99 ≤ 5 ms at 32 connections', result: `${p99.toFixed(1)} ms`, met: p99 <= 5 },
      {
        goal: 'memory ≤ 150 MB after the load',
        result: `${loadedMb.toFixed(0)} MB (${idleMb.toFixed(0)} before)`,
        met: loadedMb <= 150,
      },
    ],
  };
}

async function ask(url: string): Promise<{ cached: boolean; text: string }> {
  const answer = await fetch(`${url}/api/chat-optimized`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: BODY,
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`the model did not answer: ${text}`);
  return { cached: answer.headers.get('x-cache') === 'hit', text };
}
