/** What the gateway's tables share: the contenders, and one round of load on each. */
import { type RunningServer, startApp, type Verdict } from './harness.ts';
import { flawless, type LoadBody, type MeasuredLoad, measuredLoad } from './load.ts';
import { type ProxyPeer, startBackend, startNativeProxies, startNodeProxies } from './peers/http-proxies.ts';
import { measureInTurn, median, medianDifference, medianRatio } from './rounds.ts';

export const BACKEND = 'the backend itself (limit)';
export const OURS = 'Chill Space';

export interface Exchange {
  name: string;
  path: string;
  body?: LoadBody;
  connections: number;
}

export interface Contender extends ProxyPeer {
  /** In place of what the others do. */
  exchange?: Exchange;
}

export interface Result extends ProxyPeer {
  busy: MeasuredLoad[];
  single: MeasuredLoad[];
}

/** The backend, ours, the native proxies, and those in Node, in this order. */
export async function startContenders(): Promise<{ contenders: ProxyPeer[]; ours: RunningServer; skipped: string[] }> {
  const backend = await startBackend();
  const ours = await startApp({
    PRIVATE_BACKEND_URL: backend.url,
    HF_TOKEN: 'hf_tokenOfTheBenchmark',
    LOG_LEVEL: 'warn',
    // No model is asked for anything.
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: 'http://127.0.0.1:9',
  });
  const { peers, skipped } = await startNativeProxies(backend.url);
  const contenders = [
    { name: BACKEND, isNode: false, server: backend },
    { name: OURS, isNode: true, server: ours },
    ...peers,
    ...(await startNodeProxies(backend.url)),
  ];
  return { contenders, ours, skipped };
}

/** Many connections, then one, on each contender in turn. */
export async function exchangeInTurn(
  contenders: readonly Contender[],
  usual: Exchange,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Result[]> {
  const results = await measureInTurn(contenders, rounds, (contender, isWarmUp) => {
    const { name, server, prefix = '', exchange = usual } = contender;
    const { path, body, connections } = exchange;
    const load = (count: number) => {
      const measured = measuredLoad(server, prefix + path, { body, connections: count, seconds });
      // A peer's failed requests are shown; ours would be a fault of this table.
      return name === OURS ? flawless(measured, path) : measured;
    };
    const busy = load(connections);
    return { busy, single: isWarmUp ? busy : load(1) };
  });
  return contenders.map((contender, index) => ({
    ...contender,
    busy: results[index]?.map(({ busy }) => busy) ?? [],
    single: results[index]?.map(({ single }) => single) ?? [],
  }));
}

export const perSecond = ({ busy }: Result) => busy.map(({ requestsPerSecond }) => requestsPerSecond);
export const cpu = ({ busy }: Result) => busy.map(({ usPerRequest }) => usPerRequest);
export const failures = ({ busy, single }: Result) => [...busy, ...single].reduce((sum, { errors }) => sum + errors, 0);

const p50s = ({ single }: Result) => single.map(({ p50Ms }) => p50Ms);

export function byName(results: readonly Result[], name: string): Result {
  const found = results.find((one) => one.name === name);
  if (found === undefined) throw new Error(`${name} is always measured`);
  return found;
}

/** The median over the rounds of what `one` adds to the backend's p50 at one connection, in ms. */
export function addedMs(results: readonly Result[], one: Result): number {
  return medianDifference(p50s(one), p50s(byName(results, BACKEND)));
}

/** Of those that never failed. Undefined where none is left. */
export function bestNodePeer(results: readonly Result[]): Result | undefined {
  const peers = results.filter((one) => one.isNode && one.name !== OURS && failures(one) === 0);
  return peers.toSorted((a, b) => median(perSecond(b)) - median(perSecond(a)))[0];
}

export const COLUMNS = [
  'requests/s',
  'ours is',
  'CPU (µs)',
  'ours is, per core',
  'p50 at 1 (ms)',
  'added (ms)',
  'p99 (ms)',
  'failed',
];

/** The cells of `COLUMNS`, for each contender. */
export function cells(results: readonly Result[], one: Result): string[] {
  const ours = byName(results, OURS);
  return [
    median(perSecond(one)).toFixed(0),
    one === ours ? '' : `${medianRatio(perSecond(ours), perSecond(one)).toFixed(2)} ×`,
    median(cpu(one)).toFixed(0),
    one === ours ? '' : `${medianRatio(cpu(one), cpu(ours)).toFixed(2)} ×`,
    median(p50s(one)).toFixed(2),
    one.name === BACKEND ? '' : addedMs(results, one).toFixed(2),
    median(one.busy.map(({ p99Ms }) => p99Ms)).toFixed(1),
    String(failures(one)),
  ];
}

/** Whether `one` has `least` times the requests/s of `other`; with the same per core. */
export function holdsAgainst(goal: string, one: Result, other: Result, least: number): Verdict {
  const ratio = medianRatio(perSecond(one), perSecond(other));
  const perCore = medianRatio(cpu(other), cpu(one));
  return {
    goal: `${goal}: ≥ ${least} ×`,
    result: `${ratio.toFixed(2)} ×; per core ${perCore.toFixed(2)} ×`,
    met: ratio >= least,
  };
}
