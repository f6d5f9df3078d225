import { hash } from 'node:crypto';

/** What is known of a model server, and of one model on it, when a request has to choose. */
export interface LaneFigures {
  /** Of the model server. */
  readonly id: string;
  readonly isUp: boolean;
  /** Undefined if the server's list was never read. */
  readonly hasModel: boolean | undefined;
  /** The model failed there a moment ago. */
  readonly isAvoided: boolean;
  /** How much of the load the server takes, compared with others. */
  readonly weight: number;
  /** Requests that it works on at a time. */
  readonly slots: number;
  readonly running: number;
  readonly waiting: number;
  /** Run time of one request of the model there, measured or assumed. */
  readonly averageMs: number;
  readonly isLoaded: boolean;
  /** Of the model there; undefined if it was never measured. */
  readonly measuredLoadMs: number | undefined;
  /** Undefined if the server does not report it. */
  readonly sizeBytes: number | undefined;
  /** The load time of another loaded model that others wait for there; 0 without one. */
  readonly reloadMs: number;
  /** Tokens of the conversation's beginning that the server has computed before. */
  readonly prefixTokens: number;
  /** How many tokens of a prompt it reads in a second. */
  readonly promptTokensPerSecond: number;
}

/** A request that has to choose. */
export interface LaneAsk {
  /** Requests of one group need the same model with the same runner options. */
  readonly group: string;
}

/** How fast a model of unknown load time is read from its disk. */
const LOAD_BYTES_PER_MS = 1_000_000;
/** The load time of a model of unknown size. */
const UNKNOWN_LOAD_MS = 10_000;
/** What the computed beginning of a conversation is worth at most. */
const MAX_PREFIX_MS = 5_000;
/** The part of the run and load time that two measurements of equal servers differ by. */
const TIE_SHARE = 0.25;

/**
 * Chooses the model server for a request: the one with the least cost in milliseconds until the
 * response is complete. Only servers that are up and have the model are considered; if none is up,
 * one that is down is chosen, and its error is the caller's. Undefined if no server has the model.
 *
 * Of equal servers, weighted rendezvous hashing chooses by group: each server specialises on
 * models, and a server that comes or goes moves no other's.
 * https://en.wikipedia.org/wiki/Rendezvous_hashing
 */
export function chooseLane<T extends LaneFigures>(lanes: readonly T[], ask: LaneAsk): T | undefined {
  const [first, second] = lanes;
  if (second === undefined) return first;
  const listed = lanes.filter(({ hasModel }) => hasModel === true);
  const having = listed.length > 0 ? listed : lanes.filter(({ hasModel }) => hasModel === undefined);
  const up = preferred(having, ({ isUp }) => isUp);
  const sound = preferred(up, ({ isAvoided }) => !isAvoided);
  let best: T | undefined;
  let bestCost = Number.POSITIVE_INFINITY;
  for (const lane of sound) {
    const cost = laneCostMs(lane);
    const isBetter = cost < bestCost || (cost === bestCost && lane.id < (best?.id ?? ''));
    if (isBetter) [best, bestCost] = [lane, cost];
  }
  if (best === undefined) return undefined;
  const ties = sound.filter((lane) => isTie(lane, best));
  if (ties.length === 1) return best;
  const scores = ties.map((lane) => ({ lane, score: rendezvousScore(ask.group, lane) }));
  return scores.reduce((a, b) => (b.score > a.score ? b : a)).lane;
}

/** Whether `lane` is as good as the best one, but for what two measurements differ by. */
function isTie(lane: LaneFigures, best: LaneFigures): boolean {
  if (lane.isLoaded !== best.isLoaded || lane.prefixTokens !== best.prefixTokens) return false;
  if (expectedWaitMs(lane) > expectedWaitMs(best)) return false;
  return laneCostMs(lane) <= laneCostMs(best) + TIE_SHARE * (best.averageMs / best.weight + loadMs(best));
}

/** Milliseconds until a response that is asked for now is complete there. */
export function laneCostMs(lane: LaneFigures): number {
  const { averageMs, weight } = lane;
  return expectedWaitMs(lane) + averageMs / weight + loadMs(lane) - prefixMs(lane);
}

/** Milliseconds until a request that arrives now gets a slot. */
export function expectedWaitMs({
  running,
  waiting,
  slots,
  averageMs,
  weight,
}: Pick<LaneFigures, 'running' | 'waiting' | 'slots' | 'averageMs' | 'weight'>): number {
  return (Math.max(0, running + waiting + 1 - slots) * averageMs) / slots / weight;
}

/** Milliseconds until the model is loaded there. */
export function loadMs({ isLoaded, measuredLoadMs, sizeBytes, reloadMs }: LaneFigures): number {
  if (isLoaded) return 0;
  const usual = sizeBytes === undefined ? UNKNOWN_LOAD_MS : sizeBytes / LOAD_BYTES_PER_MS;
  return (measuredLoadMs ?? usual) + reloadMs;
}

/** Milliseconds that the computed beginning of the conversation saves. */
export function prefixMs({ prefixTokens, promptTokensPerSecond }: LaneFigures): number {
  return Math.min(MAX_PREFIX_MS, (1_000 * prefixTokens) / promptTokensPerSecond);
}

/** Those for which `isPreferred` holds; all if it holds for none. */
function preferred<T>(lanes: readonly T[], isPreferred: (lane: T) => boolean): readonly T[] {
  const found = lanes.filter(isPreferred);
  return found.length > 0 ? found : lanes;
}

/** Highest-random-weight: https://www.ietf.org/archive/id/draft-ietf-bess-weighted-hrw-00.html */
function rendezvousScore(group: string, { id, weight }: LaneFigures): number {
  const random = Number.parseInt(hash('sha256', `${id}\n${group}`, 'hex').slice(0, 12), 16);
  return weight / -Math.log((random + 1) / (2 ** 48 + 1));
}
