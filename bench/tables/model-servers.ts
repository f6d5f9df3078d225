import { type Benchmark, type RunningServer, startApp, startServer, type Table } from '../harness.ts';
import { flawless, wrk } from '../load.ts';
import { rounds, seconds } from '../options.ts';
import { median } from '../rounds.ts';

const ROUNDS = 3;
const SECONDS = 5;
const MIN_SHARE = 0.95;
/** Enough that each server always has a request that waits for it. */
const CALLERS = 64;
const SERVERS = [
  { name: 'fast', slots: 4, ms: 40 },
  { name: 'medium', slots: 2, ms: 50 },
  { name: 'slow', slots: 1, ms: 100 },
] as const;

interface Peer {
  readonly name: string;
  readonly slots: number;
  readonly ms: number;
  readonly server: RunningServer;
}

/** Three model servers of different speeds: what each does alone, and all of them together. */
export const modelServers: Benchmark = { name: 'model-servers', run };

async function run(): Promise<Table> {
  const peers: Peer[] = [];
  for (const { name, slots, ms } of SERVERS) {
    const args = ['bench/peers/slotted-model-server.ts', '{port}', String(slots), String(ms)];
    peers.push({ name, slots, ms, server: await startServer(args, '/count') });
  }
  const alone = new Map<string, number[]>();
  const shares = new Map<string, number[]>();
  const together: number[] = [];
  for (let round = 0; round < rounds(ROUNDS); round++) {
    for (const peer of peers) push(alone, peer.name, (await through([peer], `${round} ${peer.name}`)).perSecond);
    const all = await through(peers, `${round} all`);
    together.push(all.perSecond);
    for (const [index, { name }] of peers.entries()) push(shares, name, all.served[index] ?? 0);
  }
  for (const { server } of peers) await server.stop();
  const sum = peers.reduce((total, { name }) => total + median(alone.get(name) ?? []), 0);
  const share = median(together) / sum;
  return {
    title: 'Several model servers: throughput of three with different speeds',
    method: `Questions that differ, to ${CALLERS} connections of wrk for ${seconds(SECONDS)} s, first with each scripted model server alone, then with all three in OLLAMA_API_URL; ${rounds(ROUNDS)} rounds, medians. A model server works on as many requests at a time as it has slots.`,
    columns: ['model server', 'slots', 'time of a request (ms)', 'alone (requests/s)', 'together (responses)'],
    rows: [
      ...peers.map(({ name, slots, ms }) => [
        name,
        String(slots),
        String(ms),
        median(alone.get(name) ?? []).toFixed(1),
        median(shares.get(name) ?? []).toFixed(0),
      ]),
      ['all three', '', '', sum.toFixed(1), `${median(together).toFixed(1)} requests/s`],
    ],
    verdicts: [
      {
        goal: `all three together: ≥ ${MIN_SHARE} × the sum of what they do alone, no request fails`,
        result: `${share.toFixed(3)} ×`,
        met: share >= MIN_SHARE,
      },
    ],
  };
}

/** Load on an app in front of `peers`: its rate, and how many responses each server gave. */
async function through(peers: readonly Peer[], what: string): Promise<{ perSecond: number; served: number[] }> {
  const app = await startApp({
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: peers.map(({ name, slots, server }) => `${server.url}#name=${name}&slots=${slots}`).join(','),
    OLLAMA_MODEL: 'bench',
    QUEUE_MAX_SIZE: String(2 * CALLERS),
    RATE_LIMIT_CHAT: '0',
    LOG_LEVEL: 'warn',
  });
  const before = await Promise.all(peers.map(servedBy));
  const [start = '', end = ''] = JSON.stringify({
    messages: [{ role: 'user', content: `${what} #` }],
    stream: false,
  }).split('#');
  const load = { body: { before: start, after: end }, connections: CALLERS, seconds: SECONDS };
  const { requestsPerSecond } = flawless(wrk(`${app.url}/api/chat-optimized`, load), what);
  const after = await Promise.all(peers.map(servedBy));
  await app.stop();
  return { perSecond: requestsPerSecond, served: after.map((count, index) => count - (before[index] ?? 0)) };
}

async function servedBy({ server }: Peer): Promise<number> {
  // A kept connection would be closed by the server while `wrk` holds up this process.
  const response = await fetch(`${server.url}/count`, { headers: { connection: 'close' } });
  const { served } = await response.json();
  return Number(served);
}

function push(lists: Map<string, number[]>, name: string, value: number): void {
  lists.set(name, [...(lists.get(name) ?? []), value]);
}
