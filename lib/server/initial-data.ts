import { setTimeout } from 'node:timers/promises';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import type { RequestHeaders } from '#lib/http/http-request';
import { singleton } from '#lib/singletons';
import { SECOND_MS } from '#lib/units';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { RunnerHealth } from '#lib/wire/code';
import type { GatewayStats } from '#lib/wire/gateway';
import type { Models } from '#lib/wire/models';
import type { ServerStats } from '#lib/wire/server-stats';
import type { HistoryGroup, HistoryRange, StatsHistory } from '#lib/wire/stats-history';

/**
 * Initial data of pages: data of the API that a page shows with its first byte, before its scripts
 * run. It is read as stale-while-revalidate with a bound: each read starts a new fetch, waits at
 * most `MAX_WAIT_MS` for it, and otherwise returns the last known value.
 *
 * Each part is checked against the headers of the page's request, and undefined without a valid
 * key if keys are set. That does not depend on the checks that the request passed before.
 */
export interface InitialDataSource {
  models(signal: AbortSignal): Promise<Models>;
  runnerHealth(): Promise<RunnerHealth>;
  stats(): Promise<ServerStats>;
  gatewayStats(): Promise<GatewayStats>;
  /** Without the ids of requests if keys are set. */
  queue(): Promise<QueueOverview>;
  history(range: HistoryRange, group: HistoryGroup): Promise<StatsHistory>;
}

/**
 * Registers the source. `server.ts` runs the API and the pages in one process; pages reach the API
 * through this module and bundle nothing of it. `mayRead` checks the headers of a page's request.
 */
export function provideInitialData(data: InitialDataSource, mayRead: (reader: RequestHeaders) => boolean): void {
  Object.assign(initialDataState(), { data, mayRead });
}

/** The longest that a page waits. Its browser requests the data again anyway. */
const MAX_WAIT_MS = 50;
/** Much longer than a page waits, so the next page finds a fresh value. */
const FETCH_TIMEOUT_MS = 5 * SECOND_MS;

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
  return models(AbortSignal.timeout(FETCH_TIMEOUT_MS));
}

export function initialQueue(reader: RequestHeaders): Promise<QueueOverview | undefined> {
  return readInitialData(reader, 'queue', API_BASE === '', ({ queue }) => queue());
}

/** Not stored as the last value: each range and group is another one, and all are in memory. */
export async function initialHistory(
  reader: RequestHeaders,
  range: HistoryRange,
  group: HistoryGroup,
): Promise<StatsHistory | undefined> {
  const { data, mayRead } = initialDataState();
  if (API_BASE !== '' || data === undefined || mayRead?.(reader) !== true) return undefined;
  return await data.history(range, group).catch(() => undefined);
}

type InitialDataKey = keyof InitialDataSource;
type InitialDataOf<P extends InitialDataKey> = Awaited<ReturnType<InitialDataSource[P]>>;

/**
 * Undefined if the page uses another server, if another process serves the API, and until the
 * first value is known.
 */
async function readInitialData<P extends InitialDataKey>(
  reader: RequestHeaders,
  part: P,
  isOwnApi: boolean,
  fetchData: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const { data, mayRead } = initialDataState();
  if (!isOwnApi || data === undefined || mayRead?.(reader) !== true) return undefined;
  return refresh(part, data, fetchData);
}

/** Fetches the data of the first page in advance. */
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
  fetchData: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const { known } = initialDataState();
  const fetchAndStore = async () => {
    const value = await fetchData(data);
    Object.assign(known, { [part]: value });
  };
  // A failure invalidates the last value. The page requests the data again and shows the error.
  const invalidate = () => {
    delete known[part];
  };
  await Promise.race([fetchAndStore().catch(invalidate), setTimeout(MAX_WAIT_MS)]);
  return known[part];
}

interface InitialDataState {
  data?: InitialDataSource;
  mayRead?: (reader: RequestHeaders) => boolean;
  /** The last values. */
  known: { [P in InitialDataKey]?: InitialDataOf<P> };
}

function initialDataState(): InitialDataState {
  return singleton<InitialDataState>('initial-data', () => ({ known: {} }));
}
