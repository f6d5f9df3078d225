import { z } from 'zod';
import type { HttpRequest } from '#lib/http/http-request';
import { json, type Reply } from '#lib/http/reply';
import { cursorOf, readPage } from '#lib/people/page-cursor';
import { readAudit } from '#lib/store/audit';
import type { AuditLogTable } from '#lib/store/tables/audit-log';

/** Handler of /api/admin/audit: the newest first, by `action`, `target` and `actor` if given. */
export async function listAudit(request: HttpRequest): Promise<Reply> {
  const { after, limit, query } = readPage(request);
  const filter: { actor?: string; action?: string; target?: string; before?: string } = {};
  for (const name of ['actor', 'action', 'target'] as const) {
    const value = query.get(name);
    if (value !== null) filter[name] = value;
  }
  if (after !== undefined) filter.before = after[1];
  const { rows, next } = await readAudit(filter, limit);
  const next_cursor = next === undefined ? null : cursorOf('', next);
  return json({ entries: rows.map(toEntry), next_cursor });
}

const detailSchema = z.looseObject({ summary: z.string().optional() });

function toEntry({ id, at, actor, actor_name, action, target, detail, address }: AuditLogTable) {
  const parsed = detail === null ? null : readDetail(detail);
  return {
    id,
    at: new Date(at).toISOString(),
    actor: actor === 'server' ? null : { id: actor, name: actor_name ?? actor },
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
