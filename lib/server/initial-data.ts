import { setTimeout } from 'node:timers/promises';
import { API_BASE, CODE_API_BASE } from '#lib/browser/endpoints';
import type { RequestHeaders } from '#lib/http/http-request';
import type { Principal } from '#lib/http/principal';
import { singleton } from '#lib/singletons';
import { SECOND_MS } from '#lib/units';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { RunnerHealth } from '#lib/wire/code';
import type { GatewayStats } from '#lib/wire/gateway';
import type { Models } from '#lib/wire/models';
import type { Me } from '#lib/wire/people';
import type { ServerStats } from '#lib/wire/server-stats';
import type { HistoryGroup, HistoryRange, StatsHistory } from '#lib/wire/stats-history';

/**
 * Initial data of pages: data of the API that a page shows with its first byte, before its scripts
 * run. It is read as stale-while-revalidate with a bound: each read starts a new fetch, waits at
 * most `MAX_WAIT_MS` for it, and otherwise returns the last known value, figures only if they are
 * not older than `MAX_AGE_MS`.
 *
 * Each part is checked against the headers of the page's request, and undefined for a reader who
 * may not read it. That does not depend on the checks that the request passed before.
 */
export interface InitialDataSource {
  models(signal: AbortSignal): Promise<Models>;
  runnerHealth(): Promise<RunnerHealth>;
  stats(): Promise<ServerStats>;
  gatewayStats(): Promise<GatewayStats>;
  /** As the reader sees it. */
  queue(reader: Principal): QueueOverview | Promise<QueueOverview>;
  /** Who the reader is. */
  me(reader: Principal): Me;
  history(range: HistoryRange, group: HistoryGroup): Promise<StatsHistory>;
}

/** Who a page is for, and what that reader may read. */
export interface InitialDataReader {
  readonly principal: Principal;
  mayRead(part: InitialDataKey): boolean;
}

/** Finds the reader by the headers of a page's request; undefined without valid credentials. */
type FindReader = (headers: RequestHeaders) => Promise<InitialDataReader | undefined>;

/** The source of a process, and who reads it. */
export interface InitialData {
  readonly data: InitialDataSource;
  readonly findReader: FindReader;
}

/**
 * Registers the source, which is loaded by its first use. `server.ts` runs the API and the pages in
 * one process; pages reach the API through this module and bundle nothing of it.
 */
export function provideInitialData(load: () => Promise<InitialData>): void {
  initialDataState().load = load;
}

/** The longest that a page waits. Its browser requests the data again anyway. */
const MAX_WAIT_MS = 50;
/** Figures that are older look like present ones, and are not; lists of models hardly change. */
const MAX_AGE_MS: Partial<Record<SharedDataKey, number>> = { stats: 10 * SECOND_MS, gatewayStats: 10 * SECOND_MS };
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

/** Not stored as the last value, as `initialMe`: it is of one reader. */
export async function initialQueue(headers: RequestHeaders): Promise<QueueOverview | undefined> {
  const found = API_BASE === '' ? await readerOf(headers, 'queue') : undefined;
  return found?.data.queue(found.reader.principal);
}

export async function initialMe(headers: RequestHeaders): Promise<Me | undefined> {
  const found = API_BASE === '' ? await readerOf(headers, 'me') : undefined;
  return found?.data.me(found.reader.principal);
}

/** Not stored as the last value: each range and group is another one, and all are in memory. */
export async function initialHistory(
  headers: RequestHeaders,
  range: HistoryRange,
  group: HistoryGroup,
): Promise<StatsHistory | undefined> {
  const found = API_BASE === '' ? await readerOf(headers, 'history') : undefined;
  // Without it the page requests the history itself, and shows why it is missing.
  return await found?.data.history(range, group).catch(() => undefined);
}

/** The source for a reader who may read a part; undefined otherwise. */
async function readerOf(
  headers: RequestHeaders,
  part: InitialDataKey,
): Promise<{ data: InitialDataSource; reader: InitialDataReader } | undefined> {
  const provided = await initialDataState().load?.();
  if (provided === undefined) return undefined;
  const { data, findReader } = provided;
  // Expected, for example, after too many wrong keys. The page requests the data, and shows why.
  const reader = await findReader(headers).catch(() => undefined);
  return reader?.mayRead(part) === true ? { data, reader } : undefined;
}

export type InitialDataKey = keyof InitialDataSource;
/** The parts that are the same for all readers. */
type SharedDataKey = Exclude<InitialDataKey, 'queue' | 'me' | 'history'>;
type InitialDataOf<P extends SharedDataKey> = Awaited<ReturnType<InitialDataSource[P]>>;

/**
 * Undefined if the page uses another server, if another process serves the API, and until the
 * first value is known.
 */
async function readInitialData<P extends SharedDataKey>(
  headers: RequestHeaders,
  part: P,
  isOwnApi: boolean,
  fetchData: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const found = isOwnApi ? await readerOf(headers, part) : undefined;
  return found === undefined ? undefined : await refresh(part, found.data, fetchData);
}

/** Fetches the data of the first page in advance. */
export async function warmInitialData(): Promise<void> {
  const provided = await initialDataState().load?.();
  if (provided === undefined) return;
  const { data } = provided;
  await Promise.all([
    refresh('models', data, fetchInitialModels),
    refresh('runnerHealth', data, ({ runnerHealth }) => runnerHealth()),
  ]);
}

async function refresh<P extends SharedDataKey>(
  part: P,
  data: InitialDataSource,
  fetchData: (data: InitialDataSource) => Promise<InitialDataOf<P>>,
): Promise<InitialDataOf<P> | undefined> {
  const { known } = initialDataState();
  const fetchAndStore = async () => {
    const value = await fetchData(data);
    Object.assign(known, { [part]: { value, fetchedAt: Date.now() } });
  };
  // A failure invalidates the last value. The page requests the data again and shows the error.
  const invalidate = () => {
    delete known[part];
  };
  await Promise.race([fetchAndStore().catch(invalidate), setTimeout(MAX_WAIT_MS)]);
  const last = known[part];
  if (last === undefined || Date.now() - last.fetchedAt > (MAX_AGE_MS[part] ?? Infinity)) return undefined;
  return last.value;
}

interface InitialDataState {
  load?: () => Promise<InitialData>;
  /** The last values. */
  known: { [P in SharedDataKey]?: { value: InitialDataOf<P>; fetchedAt: number } };
}

function initialDataState(): InitialDataState {
  return singleton<InitialDataState>('initial-data', () => ({ known: {} }));
}
