import { setTimeout as delay } from 'node:timers/promises';
import { chatBodies, fillCache, startAppWithModel } from '../cached.ts';
import type { Benchmark, RunningServer, Table } from '../harness.ts';
import { flawless, type Load, type LoadBody, wrk } from '../load.ts';
import { chosenRows, seconds } from '../options.ts';
import { peakResidentMb, residentMb } from '../process-tree.ts';
import { median } from '../rounds.ts';

const SECONDS = 60;
const REST_MS = 3_000;
const CONNECTIONS = 32;
const QUESTIONS = 1_000;
const WORDS = 'words-40-0';
const PATHS = ['/api/chat-optimized', '/v1/chat/completions', '/v1/messages', '/api/chat'];
/** CACHE_MAX_SIZE_MB, in MiB. */
const CACHE_MIB = 256;
const CACHE_MB = (CACHE_MIB * 2 ** 20) / 1e6;
const RESPONSE_KB = 8;
/** One and a half times what the cache holds: it evicts, too. */
const FILLING_RESPONSES = (1.5 * CACHE_MB * 1000) / RESPONSE_KB;
const FILL_SECONDS = 5;
const MAX_IDLE_MB = 110;
const MAX_LOADED_MB = 150;
const MAX_ABOVE_CACHE_MB = 150;

interface Row {
  name: string;
  maxMb: number;
  env?: Readonly<Record<string, string>>;
  /** Resolves to what was done. */
  work: (server: RunningServer) => Promise<string>;
}

const ROWS: Row[] = [
  { name: 'idle', maxMb: MAX_IDLE_MB, work: async () => '' },
  ...PATHS.flatMap((path) =>
    [false, true].map((stream) => ({
      name: `cached, ${path}${stream ? ', streamed' : ''}`,
      maxMb: MAX_LOADED_MB,
      work: async (server: RunningServer) => {
        const bodies = chatBodies(QUESTIONS, { path, model: WORDS, stream });
        await (await fillCache(server.url + path, bodies)).text();
        return described(load(server, path, bodies, SECONDS));
      },
    })),
  ),
  ...PATHS.slice(0, 2).map((path) => ({
    name: `uncached, ${path}, streamed`,
    maxMb: MAX_LOADED_MB,
    // A full cache has another row.
    env: { CACHE_ENABLED: 'false' },
    work: async (server: RunningServer) => described(load(server, path, different(WORDS, 0), SECONDS)),
  })),
  {
    name: `cache full: ${CACHE_MIB} MiB of answers of ${RESPONSE_KB} KB`,
    maxMb: CACHE_MB + MAX_ABOVE_CACHE_MB,
    env: { CACHE_MAX_SIZE_MB: String(CACHE_MIB) },
    work: fillWholeCache,
  },
];

/** What the server process holds at rest, after each kind of load, and with its cache full. */
export const memory: Benchmark = { name: 'memory', run };

async function run(): Promise<Table> {
  const results: { row: Row; idleMb: number; afterMb: number; peakMb: number; done: string }[] = [];
  for (const row of chosenRows(ROWS)) {
    const { ours, stop } = await startAppWithModel(row.env);
    await delay(REST_MS);
    const idleMb = residentMb(ours.pid);
    const done = await row.work(ours);
    const afterMb = residentMb(ours.pid);
    results.push({ row, idleMb, afterMb, peakMb: peakResidentMb(ours.pid), done });
    await stop();
  }
  return {
    title: 'Memory of the server process',
    method: `Resident memory, in a new process for each row: ${REST_MS / 1000} s after the start, then right after ${seconds(SECONDS)} s of load by ${CONNECTIONS} connections (${QUESTIONS} questions whose answers of 40 words are cached; or questions that differ, without a cache), or after the cache was filled one and a half times. MB are 1e6 bytes.`,
    columns: ['', 'at rest (MB)', 'after (MB)', 'at most (MB)', 'done'],
    rows: results.map(({ row, idleMb, afterMb, peakMb, done }) => [
      row.name,
      ...[idleMb, afterMb, peakMb].map((mb) => mb.toFixed(0)),
      done,
    ]),
    verdicts: results.map(({ row, afterMb }) => {
      const mb = row.name === 'idle' ? median(results.map(({ idleMb }) => idleMb)) : afterMb;
      return { goal: `${row.name}: ≤ ${row.maxMb.toFixed(0)} MB`, result: `${mb.toFixed(0)} MB`, met: mb <= row.maxMb };
    }),
  };
}

function load({ url }: RunningServer, path: string, body: LoadBody, length: number): Load {
  return flawless(wrk(url + path, { body, connections: CONNECTIONS, seconds: length }), path);
}

const described = ({ requests, requestsPerSecond }: Load) =>
  `${requests} requests, ${requestsPerSecond.toFixed(0)} a second`;

/** Questions that differ, also from those of another `part`. */
function different(model: string, part: number): LoadBody {
  const content = `Question ${part}.#: say hello.`;
  const [before = '', after = ''] = JSON.stringify({
    model,
    messages: [{ role: 'user', content }],
    stream: true,
  }).split('#');
  return { before, after };
}

async function fillWholeCache(server: RunningServer): Promise<string> {
  let responses = 0;
  for (let part = 0; responses < FILLING_RESPONSES; part++)
    responses += load(server, PATHS[0] ?? '', different(`kilobytes-${RESPONSE_KB}-0`, part), FILL_SECONDS).requests;
  const { response_cache: cache } = await (await fetch(`${server.url}/api/cache-stats`)).json();
  return `${responses} answers, of which the cache holds ${cache.total_entries} in ${cache.total_size_mb.toFixed(0)} MiB`;
}
