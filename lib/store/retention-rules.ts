import { calendarDay, monthOf } from '#lib/calendar';
import { config } from '#lib/config/config';
import { days, type RetentionRule, retention } from '#lib/store/retention';
import type { UsageTables } from '#lib/store/tables/usage';

/** Every table whose rows are deleted by their age. Append a line for a new one. */
export function retentionRules(): RetentionRule[] {
  return [
    retention({ table: 'ended_sessions', key: ['key_id', 'session_id'], time: 'expires_at', keepMs: () => 0 }),
    // Longer than a month, whose counts are needed to its end.
    retention({ table: 'limit_counters', key: ['subject', 'period', 'name'], time: 'ends_at', keepMs: days(() => 62) }),
    retention({ table: 'audit_log', key: ['id'], time: 'at', keepMs: days(() => config().AUDIT_RETENTION_DAYS) }),
    retention({ table: 'invitations', key: ['id'], time: 'expires_at', keepMs: days(() => 90) }),
    // better-auth deletes expired ones only when it looks one up. Both engines compare ISO text.
    retention({
      table: 'verifications',
      key: ['id'],
      time: 'expiresAt',
      keepMs: () => 0,
      inUnits: (ms) => new Date(ms).toISOString(),
    }),
    ...(['usage_days', 'usage_callers', 'usage_servers', 'usage_models', 'usage_months'] as const).map(usage),
  ];
}

/** A month is kept as long as one of its days. */
function usage(table: keyof UsageTables): RetentionRule {
  return retention({
    table,
    key: ['day', 'user_id', 'key_id', 'group_id', 'model', 'server', 'language', 'outcome'],
    time: 'day',
    keepMs: days(() => config().USAGE_RETENTION_DAYS),
    inUnits: (ms) => (table === 'usage_months' ? monthOf(calendarDay(ms).day) : calendarDay(ms).day),
  });
}
