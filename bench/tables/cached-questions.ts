import {
  type Benchmark,
  type Load,
  median,
  processorMs,
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
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const QUESTIONS = 1_000;
const MAX_MEMORY_MB = 150;

interface Surface {
  name: string;
  path: string;
  stream: boolean;
  questions: number;
  goal: number;
}

const PATHS = ['/api/chat-optimized', '/v1/chat/completions', '/api/chat'];
const SURFACES: Surface[] = PATHS.flatMap((path) => [
  { name: `${path}, one question`, path, stream: false, questions: 1, goal: path === PATHS[0] ? 0.7 : 0.6 },
  { name: `${path}, ${QUESTIONS} questions`, path, stream: false, questions: QUESTIONS, goal: 0.6 },
  { name: `${path}, ${QUESTIONS} questions, streamed`, path, stream: true, questions: QUESTIONS, goal: 0.5 },
]);

interface Measured {
  ours: Load[];
  limit: Load[];
  /** Microseconds of processor time per request. */
  ourUs: number[];
  limitUs: number[];
  memoryMb: number;
}

/**
 * Cached responses over each API, of one question and of many, against a bare node:http server
 * with the same bytes.
 */
export const cachedQuestions: Benchmark = { name: 'cached-questions', run };

async function run(): Promise<Table> {
  const model = await startServer(['bench/peers/model-server.ts', '{port}'], '/count');
  const ours = await startApp({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: model.url, RATE_LIMIT_CHAT: '0' });
  const results: Measured[] = [];
  for (const surface of SURFACES) results.push(await measure(ours, surface));
  await ours.stop();
  await model.stop();
  return report(results);
}

async function measure(ours: RunningServer, { path, stream, questions }: Surface): Promise<Measured> {
  const bodies = Array.from({ length: questions }, (_, index) =>
    JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: `Question ${index}: say hello.` }], stream }),
  );
  const response = await cached(ours.url + path, bodies);
  const type = response.headers.get('content-type') ?? 'application/json';
  const bytes = scratchFile('answer', await response.text());
  const bare = await startServer(['bench/peers/bare-http.ts', '{port}', bytes, type], '/missing');
  const result: Measured = { ours: [], limit: [], ourUs: [], limitUs: [], memoryMb: 0 };
  for (let round = -1; round < ROUNDS; round++) {
    const [one, oneUs] = load(ours, path, bodies);
    const [limit, limitUs] = load(bare, '/', bodies);
    // The first round warms both up.
    if (round < 0) continue;
    result.ours.push(one);
    result.ourUs.push(oneUs);
    result.limit.push(limit);
    result.limitUs.push(limitUs);
  }
  await bare.stop();
  return { ...result, memoryMb: residentMb(ours.pid) };
}

function load({ url, pid }: RunningServer, path: string, bodies: readonly string[]): [Load, usPerRequest: number] {
  const before = processorMs(pid);
  const result = wrk(url + path, bodies, CONNECTIONS, SECONDS);
  if (result.errors > 0) throw new Error(`${path}: ${result.errors} errors under load`);
  return [result, ((processorMs(pid) - before) * 1000) / (result.requestsPerSecond * SECONDS)];
}

/** Asks each question once, so that all responses are cached. Returns one from the cache. */
async function cached(url: string, bodies: readonly string[]): Promise<Response> {
  const ask = (body: string) =>
    fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(async (response) => {
      if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
      return response;
    });
  for (const body of bodies) await (await ask(body)).text();
  const again = await ask(bodies[0] ?? '');
  if (again.headers.get('x-cache') !== 'hit') throw new Error(`${url} did not answer from the cache`);
  return again;
}

function report(results: readonly Measured[]): Table {
  const share = ({ ours, limit }: Measured) =>
    median(ours.map((one, round) => one.requestsPerSecond / (limit[round]?.requestsPerSecond ?? Number.NaN)));
  const p99 = ({ ours }: Measured) => median(ours.map(({ p99Ms }) => p99Ms));
  const rate = (loads: readonly Load[]) => median(loads.map(({ requestsPerSecond }) => requestsPerSecond)).toFixed(0);
  const memory = Math.max(...results.map(({ memoryMb }) => memoryMb));
  const slowest = Math.max(...results.map(p99));
  return {
    title: 'Cached answers, over each API',
    method: `POST of one chat request, or of ${QUESTIONS} different ones in turn, that are all in the cache; wrk with one thread and ${CONNECTIONS} connections for ${SECONDS} s; ${ROUNDS} rounds in turn with a bare node:http server that parses the same body and returns the same bytes, after one to warm up. CPU: of the server's process, per request. Memory: of ours, after each row; rows are measured one after another in one process.`,
    columns: ['', 'requests/s', 'bare', 'of bare', 'CPU (µs)', 'bare CPU (µs)', 'p99 (ms)', 'memory (MB)'],
    rows: SURFACES.flatMap(({ name }, index) => {
      const one = results[index];
      if (one === undefined) return [];
      const [our, bare] = [median(one.ourUs).toFixed(0), median(one.limitUs).toFixed(0)];
      const ratio = `${(share(one) * 100).toFixed(0)} %`;
      return [[name, rate(one.ours), rate(one.limit), ratio, our, bare, p99(one).toFixed(1), one.memoryMb.toFixed(0)]];
    }),
    verdicts: [
      ...SURFACES.flatMap(({ name, goal }, index) => {
        const one = results[index];
        if (one === undefined) return [];
        const result = `${(share(one) * 100).toFixed(0)} %`;
        return [{ goal: `${name}: ≥ ${goal * 100} % of bare`, result, met: share(one) >= goal }];
      }),
      { goal: 'p99 ≤ 5 ms', result: `${slowest.toFixed(1)} ms`, met: slowest <= 5 },
      {
        goal: `memory ≤ ${MAX_MEMORY_MB} MB after each surface`,
        result: `${memory.toFixed(0)} MB`,
        met: memory <= MAX_MEMORY_MB,
      },
    ],
  };
}
