import type { Principal } from '#lib/http/principal';
import { singleton } from '#lib/singletons';
import type { ShareOverrun } from '#lib/wire/limits';

/**
 * The limits of callers, as requests meet them. The limits themselves are installed from above, and
 * only where some are set: without any, a request costs one look at an empty holder.
 */

/** What a request takes: a model server, or the code runner. */
export type LimitedWork = 'model' | 'code';

/** The levels of priority that requests above their caller's share lose. */
export const OVERRUN_LEVELS = 2;

/** What the limits of one caller allow at this moment. */
export interface Allowance {
  /** A higher `num_ctx` is lowered to this. */
  readonly contextTokens: number | undefined;
  /** A higher limit of generated tokens is lowered to this. */
  readonly outputTokens: number | undefined;
  /** Undefined if memory has what the caller used so far. Never rejects, and takes a moment. */
  load(): Promise<void> | undefined;
  /** Counts requests of this minute. Throws `rate_limited`, and counts none then. */
  count(work: LimitedWork, times?: number): void;
  /** Takes back requests that were invalid and caused no work. */
  uncount(work: LimitedWork, times?: number): void;
  /**
   * Counts an open request until the returned function is called. Throws `rate_limited` if a
   * budget is used up or too many are open, unless the request was accepted before.
   */
  enter(work: LimitedWork, isAccepted?: boolean): () => void;
  /** How far the caller is above its share; undefined within it. */
  overrun(): ShareOverrun | undefined;
  /** Counts the tokens of a prompt and its response, once they are generated. */
  spendTokens(tokens: number): void;
  /** Counts the CPU time of a program, in milliseconds. */
  spendCpu(ms: number): void;
}

export interface RequestLimits {
  /** Undefined for a caller without limits. */
  allowanceOf(principal: Principal): Allowance | undefined;
}

/** The limits in force; undefined if no caller has one. */
export function requestLimits(): RequestLimits | undefined {
  return holder().current;
}

export function installRequestLimits(limits: RequestLimits | undefined): void {
  holder().current = limits;
}

/**
 * Counts a request for the limits of its caller, whose counts are read if memory has none. Throws
 * `rate_limited`. Undefined without limits, at once.
 */
export function countRequest(work: LimitedWork, principal: Principal): Allowance | undefined | Promise<Allowance> {
  const allowance = requestLimits()?.allowanceOf(principal);
  const loading = allowance?.load();
  if (allowance === undefined) return undefined;
  const counted = () => {
    allowance.count(work);
    return allowance;
  };
  return loading === undefined ? counted() : loading.then(counted);
}

/** The levels of priority that the next request of a caller loses. */
export function levelsLost(allowance: Allowance | undefined): number {
  return allowance?.overrun() === undefined ? 0 : OVERRUN_LEVELS;
}

interface Holder {
  current: RequestLimits | undefined;
}

const emptyHolder = (): Holder => ({ current: undefined });

/** Asked by every request: makes nothing but the first time. */
function holder(): Holder {
  return singleton('http.request-limits', emptyHolder);
}
