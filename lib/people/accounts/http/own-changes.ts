import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { keysOf } from '#lib/people/accounts/access-keys';
import { isAboutPerson } from '#lib/people/accounts/changes-of-person';
import { asPerson } from '#lib/people/accounts/http/person-of';
import { auditEntries } from '#lib/people/audit-entries';
import { pageOf, readPage } from '#lib/people/page-cursor';
import { store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';
import type { AuditList } from '#lib/wire/people';

/** Handler of /api/me/changes: what others changed of a person, the newest first. */
export async function listOwnChanges(request: HttpRequest, { principal }: RequestContext): Promise<Reply> {
  const { userId, caller } = asPerson(principal);
  const { after, limit } = readPage(request);
  const opened = await store();
  // Changes are replied to before their record is on disk.
  await opened.flush();
  const keyIds = (await keysOf(opened, userId)).map(({ id }) => id);
  let query = opened.db
    .selectFrom('audit_log')
    .selectAll()
    .where('actor', '<>', caller)
    .where((expression) => isAboutPerson(expression, { userId, keyIds }))
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (after !== undefined) query = query.where('id', '<', after[1]);
  const rows = await opened.report<AuditLogTable>(query.compile());
  const { rows: shown, next_cursor } = pageOf(rows, limit, ({ id }) => ['', id]);
  // The address of another person is not this one's to know.
  const entries = (await auditEntries(shown)).map((entry) => ({ ...entry, address: null }));
  return json({ entries, next_cursor } satisfies AuditList);
}
