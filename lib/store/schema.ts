import type * as accounts from '#lib/store/tables/accounts';
import type { AuditLogTable } from '#lib/store/tables/audit-log';
import type { ChatCacheEpochTable, ChatCacheTable } from '#lib/store/tables/chat-cache';
import type { ChatRequestPartsTable, ChatRequestsTable, ChatServersTable } from '#lib/store/tables/chat-requests';
import type { EndedSessionsTable } from '#lib/store/tables/ended-sessions';
import type { LimitCountersTable, LimitsTable } from '#lib/store/tables/limits';
import type { SettingsTable } from '#lib/store/tables/settings';
import type { StoreProbeTable } from '#lib/store/tables/store-probe';
import type { UsageTables } from '#lib/store/tables/usage';

/**
 * Every table, by its name; each is declared in the file of its owner. Times are whole
 * milliseconds since 1970, booleans 0 or 1, ids and JSON text, on both engines.
 */
export interface Database extends UsageTables {
  audit_log: AuditLogTable;
  chat_cache: ChatCacheTable;
  chat_cache_epoch: ChatCacheEpochTable;
  chat_request_parts: ChatRequestPartsTable;
  chat_requests: ChatRequestsTable;
  chat_servers: ChatServersTable;
  ended_sessions: EndedSessionsTable;
  limit_counters: LimitCountersTable;
  limits: LimitsTable;
  settings: SettingsTable;
  store_probe: StoreProbeTable;
  users: accounts.UsersTable;
  user_sessions: accounts.UserSessionsTable;
  credentials: accounts.CredentialsTable;
  verifications: accounts.VerificationsTable;
  two_factors: accounts.TwoFactorsTable;
  groups: accounts.GroupsTable;
  invitations: accounts.InvitationsTable;
  invitation_claims: accounts.InvitationClaimsTable;
  access_keys: accounts.AccessKeysTable;
  set_up: accounts.SetUpTable;
  set_up_links: accounts.SetUpLinksTable;
  server_secrets: accounts.ServerSecretsTable;
}
