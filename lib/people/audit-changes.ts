import { isDeepStrictEqual } from 'node:util';
import type { NamedEntity } from '#lib/people/entity-names';
import type { AuditChange } from '#lib/wire/people';

/** The differences between `before` and `after` of a record of the audit log, for people. */

/** Changes of one record. */
const MAX_CHANGES = 40;
const MAX_TEXT_CHARS = 500;
/** Characters before the first difference of two long texts. */
const LEAD_CHARS = 40;

/** Fields whose values are ids, by the kind of the action. */
const FIELDS_OF_IDS: Readonly<Record<string, Readonly<Record<string, NamedEntity>>>> = {
  user: { group: 'group' },
  group: { manager: 'user' },
  model: { 'access.groups': 'group', 'access.users': 'user' },
};

type Leaf = string | number | boolean | null | readonly string[];
type NameOf = (entity: NamedEntity, id: string) => string | undefined;
/** What a record of the audit log has of a change. */
export interface RecordedChange {
  readonly before?: unknown;
  readonly after?: unknown;
}

/** The ids whose names `auditChanges` asks for. */
export function idsOfChanges(action: string, recorded: RecordedChange): { entity: NamedEntity; id: string }[] {
  return Object.entries(fieldsOfIds(action)).flatMap(([field, entity]) =>
    differences(recorded)
      .filter((difference) => difference.field === field)
      .flatMap(({ before, after }) => [...textsOf(before), ...textsOf(after)])
      .map((id) => ({ entity, id })),
  );
}

/**
 * What changed, in the order of the record, with names in the place of ids. Long texts are cut
 * around their first difference. Empty for a record without the state before the change.
 */
export function auditChanges(action: string, recorded: RecordedChange, nameOf: NameOf): AuditChange[] {
  const entities = fieldsOfIds(action);
  return differences(recorded)
    .slice(0, MAX_CHANGES)
    .map(({ field, before, after }) => {
      const entity = entities[field];
      const named = (leaf: Leaf) =>
        entity === undefined ? leaf : emptyAsNull(textsOf(leaf).map((id) => nameOf(entity, id) ?? id));
      return { field, ...cut(plain(named(before)), plain(named(after))) };
    })
    .filter(({ before, after }) => before !== after);
}

function fieldsOfIds(action: string): Readonly<Record<string, NamedEntity>> {
  const [kind = ''] = action.split('.');
  return (Object.hasOwn(FIELDS_OF_IDS, kind) ? FIELDS_OF_IDS[kind] : undefined) ?? {};
}

interface Difference {
  field: string;
  before: Leaf;
  after: Leaf;
}

function differences({ before, after }: RecordedChange): Difference[] {
  if (before === undefined) return [];
  const old = leavesOf(before);
  const now = leavesOf(after);
  return (
    [...new Set([...now.keys(), ...old.keys()])]
      .map((field) => ({ field, before: old.get(field) ?? null, after: now.get(field) ?? null }))
      .filter((difference) => !isDeepStrictEqual(difference.before, difference.after))
      // The kind of a limit begins and ends with it.
      .filter(({ field, before: from, after: to }) => !field.endsWith('.kind') || (from !== null && to !== null))
  );
}

/** Values by their paths, such as `parameters.top_p`. A limit stands for its figure. */
function leavesOf(value: unknown, path = ''): Map<string, Leaf> {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return new Map([[path, value]]);
  if (Array.isArray(value)) return new Map([[path, value.map(String)]]);
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(Object.entries(value).flatMap(([name, part]) => [...leavesOf(part, pathOf(path, name))]));
}

function pathOf(path: string, name: string): string {
  // What is stored of a model is not named as the API does.
  const field = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (path === '') return field;
  return field === 'limit' ? path : `${path}.${field}`;
}

function textsOf(leaf: Leaf): readonly string[] {
  if (leaf === null) return [];
  return typeof leaf === 'object' ? leaf : [String(leaf)];
}

function emptyAsNull(texts: readonly string[]): Leaf {
  return texts.length === 0 ? null : texts;
}

function plain(leaf: Leaf): AuditChange['before'] {
  return typeof leaf === 'object' && leaf !== null ? leaf.join(', ') : leaf;
}

function cut(before: AuditChange['before'], after: AuditChange['after']): Pick<AuditChange, 'before' | 'after'> {
  const isLong = [before, after].some((value) => typeof value === 'string' && value.length > MAX_TEXT_CHARS);
  if (!isLong) return { before, after };
  const start = Math.max(0, firstDifference(String(before ?? ''), String(after ?? '')) - LEAD_CHARS);
  return { before: excerpt(before, start), after: excerpt(after, start) };
}

function firstDifference(before: string, after: string): number {
  const least = Math.min(before.length, after.length);
  let at = 0;
  while (at < least && before[at] === after[at]) at += 1;
  return at;
}

function excerpt(value: AuditChange['before'], start: number): AuditChange['before'] {
  if (typeof value !== 'string') return value;
  // `toWellFormed`: half of a character may be cut off.
  const part = value.slice(start, start + MAX_TEXT_CHARS).toWellFormed();
  return `${start > 0 ? '…' : ''}${part}${value.length > start + MAX_TEXT_CHARS ? '…' : ''}`;
}
