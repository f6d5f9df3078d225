import { config } from '#lib/config/config';
import { days, type RetentionRule, retention } from '#lib/store/retention';

/** Every table whose rows are deleted by their age. Append a line for a new one. */
export function retentionRules(): RetentionRule[] {
  return [
    retention({ table: 'ended_sessions', key: ['key_id', 'session_id'], time: 'expires_at', keepMs: () => 0 }),
    retention({ table: 'audit_log', key: ['id'], time: 'at', keepMs: days(() => config().AUDIT_RETENTION_DAYS) }),
  ];
}
