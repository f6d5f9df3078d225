import type { AuditLogTable } from '#lib/store/tables/audit-log';
import type { EndedSessionsTable } from '#lib/store/tables/ended-sessions';
import type { SettingsTable } from '#lib/store/tables/settings';
import type { StoreProbeTable } from '#lib/store/tables/store-probe';

/**
 * Every table, by its name; each is declared in the file of its owner. Times are whole
 * milliseconds since 1970, booleans 0 or 1, ids and JSON text, on both engines.
 */
export interface Database {
  audit_log: AuditLogTable;
  ended_sessions: EndedSessionsTable;
  settings: SettingsTable;
  store_probe: StoreProbeTable;
}
