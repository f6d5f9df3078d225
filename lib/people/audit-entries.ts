import { z } from 'zod';
import { ownerOf } from '#lib/http/principal';
import { auditChanges, idsOfChanges } from '#lib/people/audit-changes';
import { currentNames, type NamedEntity, recordedNames } from '#lib/people/entity-names';
import { store } from '#lib/store/store';
import type { AuditLogTable } from '#lib/store/tables/audit-log';
import type { AuditEntry } from '#lib/wire/people';

/** Rows of the audit log, as people read them. */

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

/** A row with its detail read. */
interface ReadRow {
  readonly row: AuditLogTable;
  readonly detail: Detail | null;
  readonly target: NamedTarget | undefined;
  /** Of a key: whose it is, unless that person did it. */
  readonly owner: NamedTarget | undefined;
}

/** The entries of rows, in their order, with the names of people, groups and keys. */
export async function auditEntries(rows: readonly AuditLogTable[]): Promise<AuditEntry[]> {
  const read = rows.map(readRow);
  const names = await namesOf(read);
  return read.map((each) => toEntry(each, names));
}

function readRow(row: AuditLogTable): ReadRow {
  const detail = readDetail(row.detail);
  const target = targetOf(row, detail);
  const isOfOther = target?.entity === 'key' && detail?.owner !== undefined && detail.owner !== row.actor;
  return { row, detail, target, owner: isOfOther ? namedId(detail?.owner ?? '') : undefined };
}

/** The person, group or key that an entry is about; of a request, whose it was. */
function targetOf({ action, target }: AuditLogTable, detail: Detail | null): NamedTarget | undefined {
  if (target === null) return undefined;
  const [kind = ''] = action.split('.');
  if (kind === 'limits') return namedId(target);
  if (kind === 'request') return namedId(ownerOf(detail?.owner ?? ''));
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

async function namesOf(rows: readonly ReadRow[]): Promise<TargetNames> {
  const names = { user: new Map<string, string>(), group: new Map<string, string>(), key: new Map<string, string>() };
  const opened = await store();
  const named = rows.flatMap(({ row: { action }, detail, target, owner }) => [
    ...(target === undefined ? [] : [target]),
    ...(owner === undefined ? [] : [owner]),
    ...idsOfChanges(action, detail ?? {}),
  ]);
  for (const entity of ['user', 'group', 'key'] as const) {
    const ids = [...new Set(named.filter((each) => each.entity === entity).map(({ id }) => id))];
    for (const { id, name } of await currentNames(opened, entity, ids)) names[entity].set(id, name);
    const deleted = ids.filter((id) => !names[entity].has(id));
    for (const { id, name } of await recordedNames(opened, entity, deleted)) names[entity].set(id, name);
  }
  return names;
}

const detailSchema = z.looseObject({
  summary: z.string().optional(),
  owner: z.string().optional(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});
type Detail = z.infer<typeof detailSchema>;

function toEntry({ row, detail, target: named, owner }: ReadRow, names: TargetNames): AuditEntry {
  const { id, at, actor, actor_name, action, target, address } = row;
  const name = named && names[named.entity].get(named.id);
  return {
    id,
    at: new Date(Number(at)).toISOString(),
    actor: actor === 'server' ? null : { id: actor, name: actor_name ?? actor },
    action,
    target,
    target_name: name ?? null,
    summary: withNames(detail?.summary ?? action, { named, name, ofOwner: ownerWords(owner, names) }),
    changes: auditChanges(action, detail ?? {}, (entity, each) => names[entity].get(each)),
    address,
    detail,
  };
}

function ownerWords(owner: NamedTarget | undefined, names: TargetNames): string {
  const name = owner && names[owner.entity].get(owner.id);
  if (owner === undefined || name === undefined) return '';
  return owner.entity === 'group' ? ` of the group “${name}”` : ` of ${name}`;
}

interface SummaryNames {
  named: NamedTarget | undefined;
  name: string | undefined;
  ofOwner: string;
}

/** Limits and requests are recorded with the id of whom they hold for, or belong to. */
function withNames(summary: string, { named, name, ofOwner }: SummaryNames): string {
  if (named === undefined || name === undefined) return summary;
  const words = named.entity === 'user' ? name : `the ${named.entity} “${name}”${ofOwner}`;
  // Not a pattern of `replace`: a name may contain `$&`.
  return summary.replace(named.text, () => words);
}

/** What another part of the server recorded may have no summary. */
function readDetail(detail: string | null): Detail | null {
  if (detail === null) return null;
  try {
    return detailSchema.parse(JSON.parse(detail));
  } catch {
    return null;
  }
}
