import { setTimeout } from 'node:timers/promises';
import { API_BASE, CODE_API_BASE } from '#lib/client/endpoints';
import type { RequestHeaders } from '#lib/http/request';
import { processWide } from '#lib/process';
import type { RunnerHealth } from '#lib/wire/code';
import type { GatewayStats } from '#lib/wire/gateway';
import type { Models } from '#lib/wire/models';
import type { Stats } from '#lib/wire/stats';

/**
 * What the server reports about itself, so that a page shows it with its first byte and not after
 * its scripts have come and asked. It is what the API sends to those who may ask it: each part is
 * for the headers of the page's request, and undefined if they show no key where one is asked for,
 * whatever let the request come this far.
 */
export interface PageData {
  models(signal: AbortSignal): Promise<Models>;
  runnerHealth(): Promise<RunnerHealth>;
  stats(): Promise<Stats>;
  gatewayStats(): Promise<GatewayStats>;
}

/**
 * `server.ts` has the API and the pages in one process; pages get at it through here alone, and
 * bundle nothing of it. `mayRead` decides by the headers of a page's request whether it shows a key.
 */
export function providePageData(data: PageData, mayRead: (reader: RequestHeaders) => boolean): void {
  Object.assign(held(), { data, mayRead });
}

/** A page does not wait for what takes longer: it shows what was last known, and asks, as it does for everything that changes. */
const PATIENCE_MS = 50;
/** Much longer than a page's patience: the next page then finds what was learnt. */
const LOOK_TIMEOUT_MS = 5_000;

export function firstModels(reader: RequestHeaders): Promise<Models | undefined> {
  return soon(reader, 'models', API_BASE === '', askModels);
}

export function firstRunnerHealth(reader: RequestHeaders): Promise<RunnerHealth | undefined> {
  return soon(reader, 'runnerHealth', CODE_API_BASE.startsWith('/'), ({ runnerHealth }) => runnerHealth());
}

export function firstStats(reader: RequestHeaders): Promise<Stats | undefined> {
  return soon(reader, 'stats', API_BASE === '', ({ stats }) => stats());
}

export function firstGatewayStats(reader: RequestHeaders): Promise<GatewayStats | undefined> {
  return soon(reader, 'gatewayStats', API_BASE === '', ({ gatewayStats }) => gatewayStats());
}

function askModels({ models }: PageData): Promise<Models> {
  return models(AbortSignal.timeout(LOOK_TIMEOUT_MS));
}

type Part = keyof PageData;
type Known<P extends Part> = Awaited<ReturnType<PageData[P]>>;

/** Undefined where the page asks another server, where another process serves the API, and until the first answer has come. */
async function soon<P extends Part>(
  reader: RequestHeaders,
  part: P,
  isOwn: boolean,
  ask: (data: PageData) => Promise<Known<P>>,
): Promise<Known<P> | undefined> {
  const { data, mayRead } = held();
  if (!isOwn || data === undefined || mayRead?.(reader) !== true) return undefined;
  return learn(part, data, ask);
}

/** Asks for what the first page shows, which then finds it known. */
export async function learnFirstData(): Promise<void> {
  const { data } = held();
  if (data === undefined) return;
  await Promise.all([
    learn('models', data, askModels),
    learn('runnerHealth', data, ({ runnerHealth }) => runnerHealth()),
  ]);
}

async function learn<P extends Part>(
  part: P,
  data: PageData,
  ask: (data: PageData) => Promise<Known<P>>,
): Promise<Known<P> | undefined> {
  const { known } = held();
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

interface Held {
  data?: PageData;
  mayRead?: (reader: RequestHeaders) => boolean;
  /** The last answers. */
  known: { [P in Part]?: Known<P> };
}

function held(): Held {
  return processWide<Held>('page-data', () => ({ known: {} }));
}
