import { spawnSync } from 'node:child_process';
import {
  type Benchmark,
  type Load,
  median,
  type RunningServer,
  residentMb,
  scratchFile,
  startApp,
  startServer,
  type Table,
  wrk,
} from '../harness.ts';

const ROUNDS = 3;
const SECONDS = 4;
const MODEL = 'words-40-0';
const NEXT = 'node_modules/next/dist/bin/next';

interface Contender {
  name: string;
  path: string;
  server: RunningServer;
  busy: Load[];
  single: Load[];
}

/**
 * A cached response, as JSON and as a stream, against a bare node:http server with the same bytes,
 * and against `next start`.
 */
export const cachedJson: Benchmark = { name: 'cached-json', run: () => run(false) };
export const cachedStream: Benchmark = { name: 'cached-sse', run: () => run(true) };

async function run(stream: boolean): Promise<Table> {
  const body = JSON.stringify({
    model: MODEL,
    messages: [{ role: 'user', content: 'Say hello in five words.' }],
    stream,
  });
  const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
  const ours = await startApp({
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    RATE_LIMIT_CHAT: '0',
  });
  const idleMb = residentMb(ours.pid);
  const first = await ask(ours.url, body);
  const second = await ask(ours.url, body);
  if (first.cached || !second.cached) throw new Error('the second identical request was not answered from the cache');
  const bytes = scratchFile('answer', second.text);
  const type = stream ? 'text/event-stream; charset=utf-8' : 'application/json; charset=utf-8';
  const contenders: Contender[] = [
    {
      name: 'bare node:http, same bytes (limit)',
      path: '/',
      server: await startServer(['bench/peers/bare-http.ts', '{port}', bytes, type], '/missing'),
      busy: [],
      single: [],
    },
    { name: 'Chill Space, cached answer', path: '/api/chat-optimized', server: ours, busy: [], single: [] },
  ];
  if (!stream) contenders.push(await nextPeer());
  for (let round = -1; round < ROUNDS; round++) {
    for (const { server, path, busy, single } of contenders) {
      const load = wrk(server.url + path, body, 32, SECONDS);
      const alone = wrk(server.url + path, body, 1, 2);
      if (load.errors + alone.errors > 0)
        throw new Error(`${server.url}${path}: ${load.errors + alone.errors} errors under load`);
      // The first round warms everyone up.
      if (round < 0) continue;
      busy.push(load);
      single.push(alone);
    }
  }
  // Both forms come from the same cache: one of them is held under load for a minute.
  const minute = wrk(`${ours.url}/api/chat-optimized`, body, 32, stream ? 5 : 60);
  const memory = contenders.map(({ server }) => residentMb(server.pid));
  for (const { server } of contenders) await server.stop();
  await model.stop();
  return report(contenders, { stream, idleMb, memory, minute });
}

async function nextPeer(): Promise<Contender> {
  const build = spawnSync(process.execPath, [NEXT, 'build', 'bench/peers/next'], { encoding: 'utf8' });
  if (build.status !== 0) throw new Error(`the Next peer does not build:\n${build.stdout}${build.stderr}`);
  const server = await startServer([NEXT, 'start', 'bench/peers/next', '-p', '{port}'], '/noop');
  return { name: 'next start, a handler that does nothing', path: '/noop', server, busy: [], single: [] };
}

interface Measured {
  stream: boolean;
  idleMb: number;
  /** After the load, in the order of the contenders. */
  memory: number[];
  minute: Load;
}

function report(contenders: Contender[], { stream, idleMb, memory, minute }: Measured): Table {
  const [limit, ours] = contenders;
  if (limit === undefined || ours === undefined) throw new Error('contenders are fixed');
  const relative = (contender: Contender) =>
    median(
      contender.busy.map(
        (load, round) => load.requestsPerSecond / (limit.busy[round]?.requestsPerSecond ?? Number.NaN),
      ),
    );
  const goal = stream ? 0.5 : 0.6;
  const share = relative(ours);
  const p50 = median(ours.single.map((load) => load.p50Ms));
  const p99 = median(ours.busy.map((load) => load.p99Ms));
  const loadedMb = memory[1] ?? Number.NaN;
  return {
    title: `Cached answer, ${stream ? 'server-sent events' : 'JSON'}`,
    method: `POST of the same chat request, ${ROUNDS} rounds taken in turn after one to warm up, wrk with one thread: ${SECONDS} s at 32 connections, 2 s at one; then ${stream ? 'five seconds' : 'a minute'} at 32 for ours. Memory is the server process after all of that; a scripted model server elsewhere.`,
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
      {
        goal: `≥ ${goal * 100} % of the limit at 32 connections`,
        result: `${(share * 100).toFixed(0)} %`,
        met: share >= goal,
      },
      { goal: 'p50 ≤ 1 ms at one connection', result: `${p50.toFixed(2)} ms`, met: p50 <= 1 },
      { goal: 'p99 ≤ 5 ms at 32 connections', result: `${p99.toFixed(1)} ms`, met: p99 <= 5 },
      { goal: 'idle memory ≤ 120 MB', result: `${idleMb.toFixed(0)} MB`, met: idleMb <= 120 },
      {
        goal: 'memory ≤ 150 MB after the load',
        result: `${loadedMb.toFixed(0)} MB, at ${minute.requestsPerSecond.toFixed(0)} requests/s`,
        met: loadedMb <= 150,
      },
    ],
  };
}

async function ask(url: string, body: string): Promise<{ cached: boolean; text: string }> {
  const response = await fetch(`${url}/api/chat-optimized`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the model did not answer: ${text}`);
  return { cached: response.headers.get('x-cache') === 'hit', text };
}
