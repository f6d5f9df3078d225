import type { Migration } from 'kysely/migration';
import * as firstTables from '#lib/store/migrations/0001-first-tables';
import * as chatCache from '#lib/store/migrations/0002-chat-cache';
import * as chatRequests from '#lib/store/migrations/0003-chat-requests';
import * as usage from '#lib/store/migrations/0004-usage';
import * as accounts from '#lib/store/migrations/0005-accounts';
import * as limits from '#lib/store/migrations/0006-limits';
import * as auditTargets from '#lib/store/migrations/0007-audit-targets';
import * as resetLinks from '#lib/store/migrations/0008-reset-links';
import * as setUpLinks from '#lib/store/migrations/0009-set-up-links';
import * as usageServers from '#lib/store/migrations/0010-usage-servers';
import * as invitationClaims from '#lib/store/migrations/0011-invitation-claims';
import * as usageByKey from '#lib/store/migrations/0012-usage-by-key';

/**
 * Every migration under the name that the database records. Append only: a name or a migration
 * that was released never changes. Each runs on both engines, in the transaction of all that are
 * pending.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first-tables': firstTables,
  '0002-chat-cache': chatCache,
  '0003-chat-requests': chatRequests,
  '0004-usage': usage,
  '0005-accounts': accounts,
  '0006-limits': limits,
  '0007-audit-targets': auditTargets,
  '0008-reset-links': resetLinks,
  '0009-set-up-links': setUpLinks,
  '0010-usage-servers': usageServers,
  '0011-invitation-claims': invitationClaims,
  '0012-usage-by-key': usageByKey,
};
