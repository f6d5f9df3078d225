import { z } from 'zod';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { pageOf, readPage } from '#lib/people/page-cursor';
import { store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';
import type { AuditEntry } from '#lib/wire/people';

/** Handler of /api/admin/audit: the newest first, by `action` and `target` where they are given. */
export async function listAudit(request: HttpRequest): Promise<Reply> {
  const opened = await store();
  const { after, limit, query: filter } = readPage(request);
  let query = opened.db.selectFrom('audit_log').selectAll();
  const action = filter.get('action');
  const target = filter.get('target');
  if (action !== null) query = query.where('action', '=', action);
  if (target !== null) query = query.where('target', '=', target);
  if (after !== undefined) query = query.where('id', '<', after[1]);
  const rows = await opened.report<AuditLogTable>(query.orderBy('id', 'desc').limit(limit + 1).compile());
  const { rows: shown, next_cursor } = pageOf(rows, limit, ({ id }) => ['', id]);
  return json({ entries: shown.map(toEntry), next_cursor });
}

const detailSchema = z.looseObject({ summary: z.string().optional() });

function toEntry({ id, at, actor, actor_name, action, target, detail, address }: AuditLogTable): AuditEntry & {
  detail: Record<string, unknown> | null;
} {
  const parsed = detail === null ? null : readDetail(detail);
  const name = actor_name ?? actor;
  return {
    id,
    at: new Date(at).toISOString(),
    actor: actor === 'server' ? null : { id: actor, name },
    action,
    target,
    summary: parsed?.summary ?? action,
    address,
    detail: parsed,
  };
}

/** What another part of the server recorded may have no summary. */
function readDetail(detail: string): z.infer<typeof detailSchema> | null {
  try {
    return detailSchema.parse(JSON.parse(detail));
  } catch {
    return null;
  }
}
