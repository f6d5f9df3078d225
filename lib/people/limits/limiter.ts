import type { Principal } from '#lib/http/principal';
import type { Allowance, LimitedWork, RequestLimits } from '#lib/http/request-limits';
import {
  COUNTED_NAMES,
  type CountedLimit,
  isCountedLimit,
  type MinuteLimit,
} from '#lib/people/limits/limit-definitions';
import { type ExceededLimit, limitExceeded } from '#lib/people/limits/limit-errors';
import type { LimitSet, LimitTable } from '#lib/people/limits/limit-table';
import { LocalOpenCounts, type MinuteCounts, type OpenCounts } from '#lib/people/limits/minute-windows';
import type { UsageCounters } from '#lib/people/limits/usage-counters';
import { SECOND_MS } from '#lib/units';
import { LIMIT_NAMES, type LimitName, SHARE_NAMES, type ShareOverrun } from '#lib/wire/limits';
import type { LimitState } from '#lib/wire/people';

/** How long a request waits for counts that memory does not have. */
const MAX_LOAD_MS = 250;

export interface LimiterParts {
  readonly table: LimitTable;
  readonly counters: UsageCounters;
  readonly windows: MinuteCounts;
  /** @default those of this process */
  readonly open?: OpenCounts | undefined;
  /** Milliseconds since 1970, of the wall clock. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly monotonicNow: () => number;
}

/** The limits of all callers. */
export class Limiter implements RequestLimits {
  readonly #parts: LimiterParts;
  readonly #open: OpenCounts;
  readonly #allowances = new WeakMap<Principal, { version: number; allowance: PrincipalAllowance | undefined }>();

  constructor(parts: LimiterParts) {
    this.#parts = parts;
    this.#open = parts.open ?? new LocalOpenCounts();
  }

  /** One for each principal, until a limit changes. */
  allowanceOf(principal: Principal): PrincipalAllowance | undefined {
    const { table } = this.#parts;
    const known = this.#allowances.get(principal);
    if (known?.version === table.version) return known.allowance;
    const sets = table.setsOf(principal);
    const allowance = sets.length === 0 ? undefined : new PrincipalAllowance(sets, this.#parts, this.#open);
    this.#allowances.set(principal, { version: table.version, allowance });
    return allowance;
  }
}

/** The limits of one principal. Its state is in the counters, so that requests share it. */
export class PrincipalAllowance implements Allowance {
  readonly contextTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly #sets: readonly LimitSet[];
  readonly #parts: LimiterParts;
  readonly #open: OpenCounts;
  readonly #isCounted: boolean;

  constructor(sets: readonly LimitSet[], parts: LimiterParts, open: OpenCounts) {
    this.#sets = sets;
    this.#parts = parts;
    this.#open = open;
    this.#isCounted = sets.some(({ limits }) => COUNTED_NAMES.some((name) => limits[name] !== undefined));
    this.contextTokens = lowestLimit(sets, 'context_tokens');
    this.outputTokens = lowestLimit(sets, 'output_tokens');
  }

  load(): Promise<void> | undefined {
    const { counters, windows } = this.#parts;
    if (!this.#isCounted && windows.load === undefined) return undefined;
    const loads = this.#isCounted ? this.#sets.flatMap(({ subject }) => counters.load(subject) ?? []) : [];
    if (windows.load !== undefined) loads.push(...this.#loadWindows());
    return loads.length === 0 ? undefined : atMost(MAX_LOAD_MS, Promise.all(loads));
  }

  count(work: LimitedWork, times = 1): void {
    const { windows, now, monotonicNow } = this.#parts;
    const name = MINUTE_LIMITS[work];
    const monotonicMs = monotonicNow();
    for (const { subject, limits } of this.#sets) {
      const limit = limits[name]?.limit;
      if (limit === undefined) continue;
      const { count, leftMs } = windows.stateOf(windowKey(name, subject), monotonicMs);
      if (count + times <= limit) continue;
      throw limitExceeded({ name, limit, used: count, resetsAtMs: now() + leftMs }, now());
    }
    this.#addToWindows(name, times);
  }

  uncount(work: LimitedWork, times = 1): void {
    this.#addToWindows(MINUTE_LIMITS[work], -times);
  }

  enter(work: LimitedWork, isAccepted = false): () => void {
    void this.load();
    if (!isAccepted) this.#refuseExceeded(work);
    const limited = this.#sets.filter(({ limits }) => limits.concurrent_requests !== undefined);
    if (limited.length === 0) return NOTHING_TO_LEAVE;
    for (const { subject } of limited) this.#open.add(subject, 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      for (const { subject } of limited) this.#open.add(subject, -1);
    };
  }

  overrun(): ShareOverrun | undefined {
    let worst: ShareOverrun | undefined;
    for (const { subject, limits } of this.#sets)
      for (const name of SHARE_NAMES) {
        const { limit, kind } = limits[name] ?? {};
        if (limit === undefined || kind !== 'share') continue;
        const used = this.#parts.counters.used(subject, name);
        if (used < limit) continue;
        const overPercent = Math.floor((used / limit - 1) * 100);
        if (worst === undefined || overPercent > worst.over_percent)
          worst = { name, used, limit, over_percent: overPercent };
      }
    return worst;
  }

  spendTokens(tokens: number): void {
    this.#spend('tokens_per_day', tokens);
    this.#spend('tokens_per_month', tokens);
  }

  spendCpu(ms: number): void {
    this.#spend('code_seconds_per_day', Math.round(ms));
  }

  /** What `GET /api/me` says of each limit; of a limit that holds twice the one with less left. */
  states(): LimitState[] {
    return LIMIT_NAMES.flatMap((name) => {
      const all = this.#sets.flatMap(({ subject, limits }) => {
        const { limit, kind } = limits[name] ?? {};
        return limit === undefined || kind === undefined ? [] : [{ kind, ...this.#stateOf(name, limit, subject) }];
      });
      const [tightest] = all.sort((a, b) => a.limit - a.used - (b.limit - b.used));
      if (tightest === undefined) return [];
      const { resetsAtMs, ...state } = tightest;
      return [{ ...state, resets_at: resetsAtMs === undefined ? null : new Date(resetsAtMs).toISOString() }];
    });
  }

  /** The used part of the share with least left; undefined without a share. */
  usedShare(): number | undefined {
    const parts = this.#sets.flatMap(({ subject, limits }) =>
      SHARE_NAMES.flatMap((name) => {
        const { limit, kind } = limits[name] ?? {};
        return limit === undefined || kind !== 'share' ? [] : [this.#parts.counters.used(subject, name) / limit];
      }),
    );
    return parts.length === 0 ? undefined : Math.max(...parts);
  }

  #refuseExceeded(work: LimitedWork): void {
    const names: readonly LimitName[] = REFUSING[work];
    for (const { subject, limits } of this.#sets)
      for (const name of names) {
        const { limit, kind } = limits[name] ?? {};
        if (limit === undefined || kind === 'share') continue;
        const state = this.#stateOf(name, limit, subject);
        if (state.used >= limit) throw limitExceeded(state, this.#parts.now());
      }
  }

  #stateOf(name: LimitName, limit: number, subject: string): ExceededLimit {
    const { counters, windows, now, monotonicNow } = this.#parts;
    if (isCountedLimit(name)) {
      const used = counters.used(subject, name) / UNITS[name];
      return { name, limit, used, resetsAtMs: counters.periodOf(subject, name).endMs };
    }
    if (name === 'concurrent_requests') return { name, limit, used: this.#open.get(subject), resetsAtMs: undefined };
    if (name === 'context_tokens' || name === 'output_tokens') return { name, limit, used: 0, resetsAtMs: undefined };
    const { count, leftMs } = windows.stateOf(windowKey(name, subject), monotonicNow());
    return { name, limit, used: count, resetsAtMs: count === 0 ? undefined : now() + leftMs };
  }

  #spend(name: CountedLimit, amount: number): void {
    for (const { subject, limits } of this.#sets)
      if (limits[name] !== undefined) this.#parts.counters.add(subject, name, amount);
  }

  #loadWindows(): Promise<void>[] {
    const { windows } = this.#parts;
    return this.#sets.flatMap(({ subject, limits }) =>
      Object.values(MINUTE_LIMITS).flatMap((name) =>
        limits[name] === undefined ? [] : (windows.load?.(windowKey(name, subject)) ?? []),
      ),
    );
  }

  #addToWindows(name: MinuteLimit, times: number): void {
    const { windows, monotonicNow } = this.#parts;
    for (const { subject, limits } of this.#sets)
      if (limits[name] !== undefined) windows.add(windowKey(name, subject), times, monotonicNow());
  }
}

const NOTHING_TO_LEAVE = () => {};

const MINUTE_LIMITS = { model: 'requests_per_minute', code: 'code_runs_per_minute' } as const satisfies Record<
  LimitedWork,
  MinuteLimit
>;

/** The limits that refuse a request when they are reached. */
const REFUSING: Readonly<Record<LimitedWork, readonly LimitName[]>> = {
  model: ['tokens_per_day', 'tokens_per_month', 'concurrent_requests'],
  code: ['code_seconds_per_day', 'concurrent_requests'],
};

/** How many counts make one of the limit: programs are counted in milliseconds. */
const UNITS: Readonly<Record<CountedLimit, number>> = {
  tokens_per_day: 1,
  tokens_per_month: 1,
  code_seconds_per_day: SECOND_MS,
};

function windowKey(name: MinuteLimit, subject: string): string {
  return `${name} ${subject}`;
}

function lowestLimit(sets: readonly LimitSet[], name: LimitName): number | undefined {
  const all = sets.flatMap(({ limits }) => limits[name]?.limit ?? []);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Resolves with `work`, or without it after `ms`. */
async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, over]);
  clearTimeout(timer);
}
