/**
 * Ten thousand faults of a model server, through the whole product in one process; prints what
 * came of them as JSON. `node --expose-gc test/support/fault-soak.ts`: see fault-soak.test.ts.
 */
import { randomUUID } from 'node:crypto';
import { systemClock } from '#lib/chat/clock';
import { readConfig } from '#lib/config/config';
import { member } from '#lib/http/principal';
import { OllamaProvider } from '#lib/models/ollama/provider';
import { createResilientChat } from '#lib/models/resilience';
import { chatServer } from './chat-server.ts';
import { ollama, type Script, startFaultyModelServer } from './faulty-model-server.ts';

const FAULTS = 10_000;
/** All code has run by then, and V8 has compiled what it will. */
const FIRST = 3_000;
const AT_A_TIME = 24;
const EIGHT_MB_EVERY = 1_000;
const SETTINGS = {
  DISCONNECT_GRACE_MS: '1',
  UPSTREAM_RETRIES: '0',
  QUEUE_MAX_CONCURRENT: '16',
  QUEUE_RESULT_TTL_SECONDS: '1',
};

/** For silent responses only: on a busy machine any other response may take longer than this. */
const IMPATIENT = { ...SETTINGS, UPSTREAM_FIRST_TOKEN_TIMEOUT_MS: '300', UPSTREAM_IDLE_TIMEOUT_MS: '300' };

const a = { send: ollama.text('a') };
const SCRIPTS: Record<string, Script> = {
  fine: [a, { send: ollama.done() }],
  '500': [{ status: 500 }, { send: '{"error":"out of memory"}' }],
  'no such model': [{ status: 404 }, { send: '{"error":"not found"}' }],
  busy: [{ status: 503 }],
  reset: ['reset'],
  empty: [{ status: 200 }],
  'no JSON': [{ send: 'nonsense\n' }],
  'error in the middle': [a, { send: ollama.error('crashed') }],
  'no done': [a],
  cut: [a, 'cut'],
  'several lines in a packet': [{ send: ollama.text('a') + ollama.text('b') + ollama.error('crashed') }],
  'a line in many packets': [...ollama.text('abc').slice(0, -9)].map((send) => ({ send })),
  'silent at first': ['hang'],
  'silent in the middle': [a, 'hang'],
  'client gone': [a, 'hang'],
  cancelled: [a, 'hang'],
  '8 MB': [{ send: ollama.text('x'.repeat(8 * 1024 * 1024)) }],
};
const KINDS = Object.keys(SCRIPTS).filter((kind) => kind !== 'fine' && kind !== '8 MB');

const model = await startFaultyModelServer();
// Each has its own circuit: so many silent responses at a time would open a shared one and hide
// the other faults.
const providers = Array.from({ length: 32 }, () => new OllamaProvider({ url: model.url, keepAlive: '5m' }));
const patient = createResilientChat(readConfig(SETTINGS));
const impatient = createResilientChat(readConfig(IMPATIENT));
const s = await chatServer(SETTINGS, {
  clock: systemClock,
  directory: {
    resolve: async (name) => {
      const provider = providers[Number(name) % providers.length];
      if (provider === undefined) throw new Error(`no provider for ${name}`);
      return { provider, model: 'test' };
    },
  },
  call: (provider, request, signal, emit) =>
    (kindIn(JSON.stringify(request)).startsWith('silent') ? impatient : patient)(provider, request, signal, emit),
});
model.choose((body) => SCRIPTS[kindIn(JSON.stringify(body))] ?? []);

/** How often each fault ended in which code. */
const outcomes: Record<string, Record<string, number>> = {};
let number = 0;

await responded(0);
await faults(FIRST);
const before = await held();
await faults(FAULTS);
const after = await held();
const left = {
  running: model.running,
  queue: s.engine.overview(member('x')).queue_length,
  processing: s.engine.overview(member('x')).processing.length,
};
await s.close();
await Promise.all(providers.map((provider) => provider.close()));
await model.close();
const upstream = providers.reduce((sum, provider) => sum + provider.connections, 0);
const resources = await lastingResources();
process.stdout.write(JSON.stringify({ outcomes, before, after, left, resources, upstream }));

async function faults(until: number): Promise<void> {
  const worker = async () => {
    while (number < until) {
      number += 1;
      const n = number;
      const kind = n % EIGHT_MB_EVERY === 0 ? '8 MB' : (KINDS[n % KINDS.length] ?? 'fine');
      const code = await outcomeOf(kind, n);
      outcomes[kind] ??= {};
      outcomes[kind][code] = (outcomes[kind][code] ?? 0) + 1;
      if (n % 4 === 0) await responded(n);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

async function responded(n: number): Promise<void> {
  const code = await outcomeOf('fine', n);
  if (code !== 'none') throw new Error(`after ${n} faults a good answer failed: ${code}`);
}

/** The code in which a request ended; `none` for a response. */
async function outcomeOf(kind: string, n: number): Promise<string> {
  const client = new AbortController();
  const id = randomUUID();
  const byHand = kind === 'client gone' || kind === 'cancelled';
  const response = await fetch(`${s.url}/api/chat-optimized`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id },
    body: JSON.stringify({
      model: String(n),
      messages: [{ role: 'user', content: `<${kind}> ${n}` }],
      stream: byHand || n % 2 === 0,
      use_cache: kind !== 'fine',
    }),
    signal: client.signal,
  });
  if (kind === 'cancelled') await (await fetch(`${s.url}/api/chat-queue?requestId=${id}`, { method: 'DELETE' })).text();
  if (kind === 'client gone') {
    client.abort();
    await response.text().catch(() => {});
    const ticket = s.engine.find(id, 'x');
    while (ticket.error === undefined) await new Promise((resolve) => setImmediate(resolve));
    return ticket.error.code;
  }
  return /"code":"(\w+)"/.exec((await response.text()).slice(-500))?.[1] ?? 'none';
}

/** What keeps the process alive except its pipes, after closed sockets had time to end. */
async function lastingResources(): Promise<string[]> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    await new Promise((resolve) => setImmediate(resolve));
    const resources = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'Immediate');
    if (resources.length === 0 || performance.now() > deadline) return resources;
  }
}

function kindIn(text: string): string {
  return /<([^>]*)>/.exec(text)?.[1] ?? '';
}

/** What is held in the heap and outside of it, once results were released. */
async function held(): Promise<number> {
  await model.idle();
  model.requests.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
