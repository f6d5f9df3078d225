import { administrator } from '#lib/http/principal';
import { LimitTable } from '#lib/people/limits/limit-table';
import { Limiter, type PrincipalAllowance } from '#lib/people/limits/limiter';
import { MinuteWindows } from '#lib/people/limits/minute-windows';
import { UsageCounters } from '#lib/people/limits/usage-counters';
import type { StoredLimits } from '#lib/wire/limits';

/** What limits allow each caller, counted in memory and without a database. */
export function allowances(limits: StoredLimits): (caller: string) => PrincipalAllowance | undefined {
  const limiter = new Limiter({
    table: new LimitTable({ environment: limits, hasAccounts: false }),
    counters: new UsageCounters({
      rows: { read: async () => [], add: async () => {} },
      now: Date.now,
      after: () => () => {},
    }),
    windows: new MinuteWindows(),
    now: Date.now,
    monotonicNow: () => performance.now(),
  });
  return (caller) => limiter.allowanceOf(administrator(caller));
}
