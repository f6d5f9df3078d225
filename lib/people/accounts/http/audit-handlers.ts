import { z } from 'zod';
import { addDays, parseDay, startOfDay } from '#lib/calendar';
import { AppError } from '#lib/errors';
import type { HttpRequest } from '#lib/http/http-request';
import { ownerOf } from '#lib/http/principal';
import { json, type Reply } from '#lib/http/reply';
import { currentNames, type NamedEntity, recordedNames } from '#lib/people/entity-names';
import { cursorOf, readPage } from '#lib/people/page-cursor';
import { type AuditFilter, readAudit } from '#lib/store/audit';
import { store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';
import { type AuditEntry, auditQuerySchema } from '#lib/wire/people';

/** Handler of /api/admin/audit: the newest first, by what its query names. */
export async function listAudit(request: HttpRequest): Promise<Reply> {
  const { after, limit, query } = readPage(request);
  const filter = readFilter(query);
  // Changes are replied to before their record is on disk.
  await (await store()).flush();
  const { rows, next } = await readAudit({ ...filter, before: after?.[1] }, limit);
  const names = await namesOf(rows);
  const next_cursor = next === undefined ? null : cursorOf('', next);
  return json({ entries: rows.map((row) => toEntry(row, names)), next_cursor });
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

interface NamedTarget {
  readonly entity: NamedEntity;
  readonly id: string;
  /** What the summary has in place of the name. */
  readonly text: string;
}

const ENTITY_OF_KIND: Readonly<Record<string, NamedEntity>> = {
  user: 'user',
  account: 'user',
  group: 'group',
  key: 'key',
};
/** A name of something together with what it is: `user:` and its id. */
const NAMED_ID = /^(user|group|key):(.+)$/s;

type AuditRow = Pick<AuditLogTable, 'action' | 'target' | 'detail'>;

/** The person, group or key that an entry is about; of a request, whose it was. */
function targetOf({ action, target, detail }: AuditRow): NamedTarget | undefined {
  if (target === null) return undefined;
  const [kind = ''] = action.split('.');
  if (kind === 'limits') return namedId(target);
  if (kind === 'request') return namedId(ownerOf(readDetail(detail)?.owner ?? ''));
  const entity = ENTITY_OF_KIND[kind];
  return entity && { entity, id: target, text: target };
}

function namedId(text: string): NamedTarget | undefined {
  const [, kind = '', id = ''] = NAMED_ID.exec(text) ?? [];
  const entity = ENTITY_OF_KIND[kind];
  return entity && { entity, id, text };
}

/** Names by kind and id; of what was deleted, its last one. */
type TargetNames = Readonly<Record<NamedEntity, ReadonlyMap<string, string>>>;

async function namesOf(rows: readonly AuditLogTable[]): Promise<TargetNames> {
  const names = { user: new Map<string, string>(), group: new Map<string, string>(), key: new Map<string, string>() };
  const opened = await store();
  for (const entity of ['user', 'group', 'key'] as const) {
    const targets = rows.flatMap((row) => targetOf(row) ?? []).filter((target) => target.entity === entity);
    const ids = [...new Set(targets.map(({ id }) => id))];
    for (const { id, name } of await currentNames(opened, entity, ids)) names[entity].set(id, name);
    const deleted = ids.filter((id) => !names[entity].has(id));
    for (const { id, name } of await recordedNames(opened, entity, deleted)) names[entity].set(id, name);
  }
  return names;
}

const detailSchema = z.looseObject({ summary: z.string().optional(), owner: z.string().optional() });

function toEntry(row: AuditLogTable, names: TargetNames): AuditEntry {
  const { id, at, actor, actor_name, action, target, detail, address } = row;
  const parsed = readDetail(detail);
  const named = targetOf(row);
  const name = named && names[named.entity].get(named.id);
  return {
    id,
    at: new Date(Number(at)).toISOString(),
    actor: actor === 'server' ? null : { id: actor, name: actor_name ?? actor },
    action,
    target,
    target_name: name ?? null,
    summary: withName(parsed?.summary ?? action, named, name),
    address,
    detail: parsed,
  };
}

/** Limits and requests are recorded with the id of whom they hold for, or belong to. */
function withName(summary: string, named: NamedTarget | undefined, name: string | undefined): string {
  if (named === undefined || name === undefined) return summary;
  // Not a pattern of `replace`: a name may contain `$&`.
  return summary.replace(named.text, () => (named.entity === 'user' ? name : `the ${named.entity} “${name}”`));
}

/** What another part of the server recorded may have no summary. */
function readDetail(detail: string | null): z.infer<typeof detailSchema> | null {
  if (detail === null) return null;
  try {
    return detailSchema.parse(JSON.parse(detail));
  } catch {
    return null;
  }
}
