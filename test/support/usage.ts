import { administrator, type Principal } from '#lib/http/principal';
import type { UsageEvent } from '#lib/people/usage/usage-event';
import { UsageRecorder } from '#lib/people/usage/usage-recorder';
import { type UsageRow, UsageTotals } from '#lib/people/usage/usage-totals';

/** A finished chat request, unless `more` says otherwise. */
export function usageEvent(more: Partial<UsageEvent> = {}): UsageEvent {
  return {
    principal: undefined,
    kind: 'chat',
    model: 'm',
    server: 's',
    cached: false,
    joined: false,
    promptTokens: 3,
    completionTokens: 5,
    savedTokens: 0,
    generationMs: 100,
    queueMs: 10,
    ...more,
  };
}

export function person(userId: string, more: Partial<Principal> = {}): Principal {
  return { ...administrator(`user:${userId}`), role: 'member', userId, ...more };
}

/** A recorder with what it recorded. */
export function recordedUsage(): { usage: UsageRecorder; totals: UsageTotals; rows: () => UsageRow[] } {
  const usage = new UsageRecorder();
  const totals = new UsageTotals({ now: Date.now });
  usage.subscribe(totals);
  return { usage, totals, rows: () => totals.take() };
}

/** The members of a row that are neither 0 nor empty, without its day and its times. */
export function essenceOf(row: UsageRow): Record<string, unknown> {
  const without = new Set(['day', 'generation_ms', 'queue_ms']);
  return Object.fromEntries(
    Object.entries(row).filter(([name, value]) => !without.has(name) && value !== 0 && value !== ''),
  );
}

/** A row without figures, unless `more` says otherwise. */
export function usageRow(more: Partial<UsageRow>): UsageRow {
  return {
    ...{ day: 20261129, user_id: '', key_id: '', group_id: '', model: '', server: '', language: '', outcome: '' },
    ...{ requests: 0, cached: 0, joined: 0, prompt_tokens: 0, completion_tokens: 0, tokens_saved: 0 },
    ...{ generation_ms: 0, queue_ms: 0, errors: 0, code_runs: 0, code_cpu_ms: 0 },
    ...more,
  };
}
