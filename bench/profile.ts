/**
 * `npm run profile -- uncached` loads the server as a table does, and prints where the processor
 * time goes: by place, and the functions that take most. Without a name it lists the cases.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SERVER_ARGUMENTS, serverEnvironment } from '../scripts/server-process.ts';
import { freePort } from '../test/support/free-port.ts';
import { chatBodies, fillCache, responsesBodies } from './cached.ts';
import { type ProfileSummary, summarize } from './cpu-profile.ts';
import { type RunningServer, startServer } from './harness.ts';
import { profiled } from './inspector.ts';
import { flawless, type LoadBody, measuredLoad } from './load.ts';
import { startBackend } from './peers/http-proxies.ts';
import { treeProcessorMs } from './process-tree.ts';

const SECONDS = 10;
const WARM_UP_SECONDS = 3;
const CONNECTIONS = 32;
const MODEL = 'words-40-0';
const STREAMS = 300;
const STREAMS_MODEL = 'stamp-150-20';
const TOP = 25;
const API_KEY = 'key-of-the-benchmark-0123456789';

/** What was done, and what it cost the server by the kernel's count. */
interface Work {
  unit: string;
  count: number;
  processorUs: number;
}

type Headers = Readonly<Record<string, string>>;

interface Case {
  env?: (model: RunningServer) => Readonly<Record<string, string>>;
  prepare?: (server: RunningServer) => Promise<unknown>;
  work: (server: RunningServer, seconds: number) => Promise<Work>;
}

const OLLAMA = ({ url }: RunningServer) => ({ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: url });
const OPENAI = ({ url }: RunningServer) => ({ MODEL_PROVIDER: 'openai', OPENAI_BASE_URL: `${url}/v1` });

const CASES: Readonly<Record<string, Case>> = {
  cached: cached('/api/chat-optimized', false),
  'cached-keys': {
    ...cached('/api/chat-optimized', false, { authorization: `Bearer ${API_KEY}` }),
    env: (model) => ({ ...OLLAMA(model), API_KEYS: API_KEY }),
  },
  'cached-streamed': cached('/api/chat-optimized', true),
  'cached-openai': cached('/v1/chat/completions', false),
  'cached-responses': {
    ...cached('/v1/responses', false),
    env: (model) => ({ ...OLLAMA(model), RESPONSES_MAX_SIZE_MB: '8' }),
  },
  uncached: { env: OPENAI, work: (server, seconds) => requests(server, '/api/chat-optimized', different(), seconds) },
  'uncached-openai': {
    env: OPENAI,
    work: (server, seconds) => requests(server, '/v1/chat/completions', different(), seconds),
  },
  streams: { work: streams },
  gateway: {
    env: (model) => ({ ...OLLAMA(model), HF_TOKEN: 'hf_tokenOfTheBenchmark' }),
    work: (server, seconds) => requests(server, '/some/path?x=1', undefined, seconds),
  },
};

/** Of the calls of `different`. */
let part = 0;

const [name = ''] = process.argv.slice(2);
const chosen = CASES[name];
if (chosen === undefined) {
  console.error(`Name one of: ${Object.keys(CASES).join(', ')}.`);
  process.exit(1);
}
console.log(await profile(chosen));
process.exit(0);

async function profile({ env = OLLAMA, prepare, work }: Case): Promise<string> {
  const model = await startServer(['bench/peers/paced-model-server.ts', '{port}'], '/count');
  const backend = name === 'gateway' ? await startBackend() : undefined;
  const inspector = await freePort();
  const server = await startServer([`--inspect=127.0.0.1:${inspector}`, ...SERVER_ARGUMENTS], '/health', {
    ...serverEnvironment(),
    RATE_LIMIT_CHAT: '0',
    QUEUE_MAX_CONCURRENT: '1000',
    LOG_LEVEL: 'warn',
    ...(backend === undefined ? {} : { PRIVATE_BACKEND_URL: backend.url }),
    ...env(model),
  });
  await prepare?.(server);
  await work(server, WARM_UP_SECONDS);
  const { profile: taken, result } = await profiled(inspector, () => work(server, SECONDS));
  for (const one of [server, backend, model]) await one?.stop();
  return render(summarize(taken, process.cwd()), result);
}

function render({ busyUs, places, functions }: ProfileSummary, { unit, count, processorUs }: Work): string {
  const line = ({ name: what, us }: { name: string; us: number }) =>
    `| ${what} | ${((us / busyUs) * 100).toFixed(1)} % | ${(us / count).toFixed(1)} |`;
  const head = (what: string) => [`| ${what} | of the main thread | µs per ${unit} |`, '| --- | ---: | ---: |'];
  return [
    `${name}: ${count} ${unit}s; ${(processorUs / count).toFixed(1)} µs of processor time each, of which the main thread had ${(busyUs / count).toFixed(1)} (with the profiler)`,
    '',
    ...head('place'),
    ...places.map(line),
    '',
    ...head('function'),
    ...functions.slice(0, TOP).map(line),
  ].join('\n');
}

function cached(path: string, stream: boolean, headers: Headers = {}): Case {
  const asked = { path, model: MODEL, stream };
  const bodies = path === '/v1/responses' ? responsesBodies(1, asked) : chatBodies(1, asked);
  return {
    prepare: (server) => fillCache(server.url + path, bodies, headers),
    work: (server, seconds) => requests(server, path, bodies[0], seconds, headers),
  };
}

/** wrk runs synchronously, which the inspector does not mind: it waits. */
async function requests(
  server: RunningServer,
  path: string,
  body: LoadBody | undefined,
  seconds: number,
  headers: Headers = {},
): Promise<Work> {
  const load = flawless(measuredLoad(server, path, { body, connections: CONNECTIONS, seconds, headers }), name);
  return { unit: 'request', count: load.requests, processorUs: load.usPerRequest * load.requests };
}

/** Questions that differ, also from those of another call. */
function different(): { before: string; after: string } {
  const content = `Question ${part++}.#: say hello.`;
  const body = { model: MODEL, messages: [{ role: 'user', content }], stream: true };
  const [before = '', after = ''] = JSON.stringify(body).split('#');
  return { before, after };
}

async function streams(server: RunningServer, seconds: number): Promise<Work> {
  const before = treeProcessorMs(server.pid);
  const model = seconds < SECONDS ? 'stamp-30-20' : STREAMS_MODEL;
  const args = ['bench/peers/stream-load.ts', `${server.url}/api/chat-optimized`, model, String(STREAMS), '0'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const { allTokens }: { allTokens: number } = JSON.parse(stdout);
  return { unit: 'token', count: allTokens, processorUs: (treeProcessorMs(server.pid) - before) * 1000 };
}
