import { addDays, parseDay, startOfDay } from '#lib/calendar';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { auditEntries } from '#lib/people/audit-entries';
import { cursorOf, readPage } from '#lib/people/page-cursor';
import { type AuditFilter, readAudit } from '#lib/store/audit';
import { store } from '#lib/store/store';
import { type AuditList, auditQuerySchema } from '#lib/wire/people';

/** Handler of /api/admin/audit: the newest first, by what its query names. */
export async function listAudit(request: HttpRequest): Promise<Reply> {
  const { after, limit, query } = readPage(request);
  const filter = readFilter(query);
  // Changes are replied to before their record is on disk.
  await (await store()).flush();
  const { rows, next } = await readAudit({ ...filter, before: after?.[1] }, limit);
  const next_cursor = next === undefined ? null : cursorOf('', next);
  return json({ entries: await auditEntries(rows), next_cursor } satisfies AuditList);
}

function readFilter(query: URLSearchParams): AuditFilter {
  const { success, data, error } = auditQuerySchema.safeParse(Object.fromEntries(query));
  if (!success) throw AppError.fromZod(error);
  const { from, to, ...texts } = data;
  return {
    ...texts,
    fromMs: from === undefined ? undefined : startOfDay(parseDay(from)),
    untilMs: to === undefined ? undefined : startOfDay(addDays(parseDay(to), 1)),
  };
}
