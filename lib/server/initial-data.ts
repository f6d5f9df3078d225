import { setTimeout } from 'node:timers/promises';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import type { RequestHeaders } from '#lib/http/http-request';
import { singleton } from '#lib/singletons';
import type { RunnerHealth } from '#lib/wire/code';
import type { GatewayStats } from '#lib/wire/gateway';
import type { Models } from '#lib/wire/models';
import type { ServerStats } from '#lib/wire/server-stats';

/**
 * What the server reports about itself, so that a page shows it with its first byte and not after
 * its scripts have come and asked. It is what the API sends to those who may ask it: each part is
 * for the headers of the page's request, and undefined if they show no key where one is asked for,
 * whatever let the request come this far.
 */
export interface InitialDataSource {
  models(signal: AbortSignal): Promise<Models>;
  runnerHealth(): Promise<RunnerHealth>;
  stats(): Promise<ServerStats>;
  gatewayStats(): Promise<GatewayStats>;
}

/**
 * `server.ts` has the API and the pages in one process; pages get at it through here alone, and
 * bundle nothing of it. `mayRead` decides by the headers of a page's request whether it shows a key.
 */
export function provideInitialData(data: InitialDataSource, mayRead: (reader: RequestHeaders) => boolean): void {
  Object.assign(initialDataState(), { data, mayRead });
}

/** A page does not wait for what takes longer: it shows what was last known, and asks, as it does for everything that changes. */
const PATIENCE_MS = 50;
/** Much longer than a page's patience: the next page then finds what was learnt. */
const LOOK_TIMEOUT_MS = 5_000;

export function initialModels(reader: RequestHeaders): Promise<Models | undefined> {
  return readInitialData(reader, 'models', API_BASE === '', fetchInitialModels);
}

export function initialRunnerHealth(reader: RequestHeaders): Promise<RunnerHealth | undefined> {
  return readInitialData(reader, 'runnerHealth', CODE_API_BASE.startsWith('/'), ({ runnerHealth }) => runnerHealth());
}

export function initialStats(reader: RequestHeaders): Promise<ServerStats | undefined> {
  return readInitialData(reader, 'stats', API_BASE === '', ({ stats }) => stats());
}

export function initialGatewayStats(reader: RequestHeaders): Promise<GatewayStats | undefined> {
  return readInitialData(reader, 'gatewayStats', API_BASE === '', ({ gatewayStats }) => gatewayStats());
}

function fetchInitialModels({ models }: InitialDataSource): Promise<Models> {
  return models(AbortSignal.timeout(LOOK_TIMEOUT_MS));
}

type InitialDataKey = keyof InitialDataSource;
type InitialDataOf<P extends InitialDataKey> = Awaited<ReturnType<InitialDataSource[P]>>;

/** Undefined where the page asks another server, where another process serves the API, and until the first answer has come. */
async function readInitialData<P extends InitialDataKey>(
  reader: RequestHeaders,
  part: P,
  isOwn: boolean,
  ask: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const { data, mayRead } = initialDataState();
  if (!isOwn || data === undefined || mayRead?.(reader) !== true) return undefined;
  return refresh(part, data, ask);
}

/** Asks for what the first page shows, which then finds it known. */
export async function warmInitialData(): Promise<void> {
  const { data } = initialDataState();
  if (data === undefined) return;
  await Promise.all([
    refresh('models', data, fetchInitialModels),
    refresh('runnerHealth', data, ({ runnerHealth }) => runnerHealth()),
  ]);
}

async function refresh<P extends InitialDataKey>(
  part: P,
  data: InitialDataSource,
  ask: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const { known } = initialDataState();
  const look = async () => {
    const answer = await ask(data);
    Object.assign(known, { [part]: answer });
  };
  // What was known is true no more then. What fails is told by the page itself, which asks again.
  const forget = () => {
    delete known[part];
  };
  await Promise.race([look().catch(forget), setTimeout(PATIENCE_MS)]);
  return known[part];
}

interface InitialDataState {
  data?: InitialDataSource;
  mayRead?: (reader: RequestHeaders) => boolean;
  /** The last answers. */
  known: { [P in InitialDataKey]?: InitialDataOf<P> };
}

function initialDataState(): InitialDataState {
  return singleton<InitialDataState>('page-data', () => ({ known: {} }));
}
