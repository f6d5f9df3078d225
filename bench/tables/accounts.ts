import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { chatBodies, fillCache, startAppWithModel } from '../cached.ts';
import { type Benchmark, type RunningServer, scratchDirectory, startApp, type Table } from '../harness.ts';
import { flawless, type MeasuredLoad, measuredLoad } from '../load.ts';
import { rounds, seconds } from '../options.ts';
import { residentMb, untilQuiet } from '../process-tree.ts';
import { measureInTurn, median, medianRatio } from '../rounds.ts';

const STARTS = 5;
const REST_MS = 5_000;
const ROUNDS = 5;
const SECONDS = 4;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const PATH = '/api/chat-optimized';
const MIN_SHARE = 0.95;
const MAX_START_MS = 600;
const MAX_IDLE_MB = 110;
const API_KEY = 'key-of-the-benchmark-0123456789';
const SET_UP_WITHIN_MS = 20_000;

/** What the ways to tell people apart cost: cached responses, the start, memory at rest. */
export const accounts: Benchmark = { name: 'accounts', run };

interface Mode {
  name: string;
  env: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
}

interface Rest {
  startedMs: number;
  restMb: number;
}

async function run(): Promise<Table> {
  const modes = await prepareModes();
  const rests = await measureInTurn(modes, STARTS, measureRest);
  const loads = await measureLoads(modes);
  return report(modes, rests, loads);
}

/** With accounts, a person who has signed in and made a key. */
async function prepareModes(): Promise<Mode[]> {
  const env = { AUTH: 'accounts', DATA_DIR: scratchDirectory('accounts') };
  const server = await startApp({ ...env, MODEL_PROVIDER: 'embedded' });
  const person = { name: 'Ada', email: 'ada@example.org', password: 'a long password of the benchmark' };
  const joined = await post(server, '/api/setup', { token: await setUpToken(server), ...person }, {});
  const cookie = joined.headers
    .getSetCookie()
    .map((line) => line.split(';', 1)[0])
    .join('; ');
  const made = await post(server, '/api/keys', { name: 'benchmark' }, { cookie });
  const { key } = z.object({ key: z.string() }).parse(await made.json());
  await server.stop();
  return [
    { name: 'none', env: {}, headers: {} },
    { name: 'keys', env: { API_KEYS: API_KEY }, headers: { authorization: `Bearer ${API_KEY}` } },
    { name: 'accounts, an API key', env, headers: { authorization: `Bearer ${key}` } },
    { name: 'accounts, a session', env, headers: { cookie } },
  ];
}

/** The one-time token of the first start's log line. */
async function setUpToken(server: RunningServer): Promise<string> {
  for (const began = performance.now(); performance.now() - began < SET_UP_WITHIN_MS; await delay(50)) {
    const token = /set-up: \S+[?&]token=([^\s&]+)/.exec(server.stderr())?.[1];
    if (token !== undefined) return decodeURIComponent(token);
  }
  throw new Error(`the server printed no set-up link:\n${server.stderr()}`);
}

async function post(
  { url }: RunningServer,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url, ...headers },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response;
}

async function measureRest({ env }: Mode): Promise<Rest> {
  await untilQuiet();
  const { ours, stop } = await startAppWithModel(env);
  await delay(REST_MS);
  const rest = { startedMs: ours.startedMs, restMb: residentMb(ours.pid) };
  await stop();
  return rest;
}

/** All servers run, and one is loaded at a time. Two of them with one database would share it. */
async function measureLoads(modes: readonly Mode[]): Promise<MeasuredLoad[][]> {
  const bodies = chatBodies(1, { path: PATH, model: MODEL, stream: false });
  const started = new Map<string, Awaited<ReturnType<typeof startAppWithModel>>>();
  const contenders = [];
  for (const mode of modes) {
    const place = JSON.stringify(mode.env);
    const app = started.get(place) ?? (await startAppWithModel(mode.env));
    started.set(place, app);
    await fillCache(app.ours.url + PATH, bodies, mode.headers);
    contenders.push({ ...mode, server: app.ours });
  }
  const [body = ''] = bodies;
  const loads = await measureInTurn(contenders, ROUNDS, ({ name, server, headers }) =>
    flawless(measuredLoad(server, PATH, { body, connections: CONNECTIONS, seconds: SECONDS, headers }), name),
  );
  for (const { stop } of started.values()) await stop();
  return loads;
}

function report(modes: readonly Mode[], rests: readonly Rest[][], loads: readonly MeasuredLoad[][]): Table {
  const perSecond = (index: number) => (loads[index] ?? []).map(({ requestsPerSecond }) => requestsPerSecond);
  const share = (index: number) => medianRatio(perSecond(index), perSecond(0));
  const startMs = (index: number) => median((rests[index] ?? []).map(({ startedMs }) => startedMs));
  const restMb = (index: number) => median((rests[index] ?? []).map(({ restMb: mb }) => mb));
  const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
  return {
    title: 'Keys and accounts',
    method: `The built app with each way to tell people apart (AUTH). From the start of the process to its first answer and its resident memory ${REST_MS / 1000} s later, ${rounds(STARTS)} starts in turn; then a cached answer, ${rounds(ROUNDS)} rounds of ${seconds(SECONDS)} s at ${CONNECTIONS} connections in turn after one to warm up; medians. With accounts the database has one person.`,
    columns: ['AUTH', 'first answer (ms)', 'at rest (MB)', 'requests/s', 'of none', 'CPU (µs)', 'p99 (ms)'],
    rows: modes.map(({ name }, index) => [
      name,
      startMs(index).toFixed(0),
      restMb(index).toFixed(0),
      median(perSecond(index)).toFixed(0),
      percent(share(index)),
      median((loads[index] ?? []).map(({ usPerRequest }) => usPerRequest)).toFixed(0),
      median((loads[index] ?? []).map(({ p99Ms }) => p99Ms)).toFixed(1),
    ]),
    verdicts: [
      ...modes.slice(1).map(({ name }, index) => ({
        goal: `${name}: cached answers ≥ ${MIN_SHARE * 100} % of those without`,
        result: percent(share(index + 1)),
        met: share(index + 1) >= MIN_SHARE,
      })),
      {
        goal: `none: first answer ≤ ${MAX_START_MS} ms after the start`,
        result: `${startMs(0).toFixed(0)} ms`,
        met: startMs(0) <= MAX_START_MS,
      },
      {
        goal: `none: idle memory ≤ ${MAX_IDLE_MB} MB`,
        result: `${restMb(0).toFixed(0)} MB`,
        met: restMb(0) <= MAX_IDLE_MB,
      },
    ],
  };
}
