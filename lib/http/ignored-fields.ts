import { editDistance } from '#lib/edit-distance';

/** What a caller sent that has no effect, for the response header `X-Ignored-Fields`. */

const MAX_NAMES = 20;
const MAX_NAME_CHARACTERS = 64;
/** Deeper than any field of a chat request. */
const MAX_DEPTH = 8;
/** Fields of one body that are looked at: what a body may hold beyond them is not searched. */
const MAX_LOOKED_AT = 20_000;
/** Clients of both APIs send these next to what they stand for, and nothing depends on them. */
const REDUNDANT: ReadonlySet<string> = new Set([
  'messages.tool_calls.type',
  'messages.tool_calls.index',
  'messages.tool_calls.function.index',
]);

/**
 * The fields of `body` that `parsed`, what a schema made of it, does not have: dotted names,
 * without the places in lists (`messages.nme`), cut to 64 characters. A top-level name that is
 * close to one of `known` says so. At most 21, one more than a header shows, of the first 20,000
 * fields: the work has a bound, whatever the body is.
 */
export function unknownFields(body: unknown, parsed: unknown, known: readonly string[]): readonly string[] {
  const search = { names: new Set<string>(), left: MAX_LOOKED_AT };
  collect(body, parsed, '', 0, search);
  return [...search.names].map((name) => {
    const meant = name.includes('.') ? undefined : nearest(name, known);
    return meant === undefined ? name : `${name} (did you mean ${meant}?)`;
  });
}

/** The response header that names these fields; none where there are none. */
export function ignoredFieldsHeader(...lists: (readonly string[])[]): Record<string, string> {
  const names = [...new Set(lists.flat())];
  if (names.length === 0) return {};
  const shown = names.slice(0, MAX_NAMES).map(printable);
  return { 'x-ignored-fields': [...shown, ...(names.length > MAX_NAMES ? ['...'] : [])].join(', ') };
}

interface FieldSearch {
  /** At most one more than a header shows. */
  readonly names: Set<string>;
  /** How many more fields and entries of lists are looked at. */
  left: number;
}

function collect(sent: unknown, read: unknown, path: string, depth: number, search: FieldSearch): void {
  // What a schema passes on as it is has nothing that the schema left out.
  if (sent === read || typeof sent !== 'object' || sent === null || typeof read !== 'object' || read === null) return;
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(sent)) {
    if (!Array.isArray(read)) return;
    for (const [index, item] of sent.entries()) {
      if (isOver(search)) return;
      collect(item, read[index], path, depth + 1, search);
    }
    return;
  }
  for (const name of Object.keys(sent)) {
    if (isOver(search)) return;
    const value: unknown = Reflect.get(sent, name);
    const full = path === '' ? name : `${path}.${name}`;
    if (Object.hasOwn(read, name)) collect(value, Reflect.get(read, name), full, depth + 1, search);
    else if (value !== null && !REDUNDANT.has(full)) search.names.add(full.slice(0, MAX_NAME_CHARACTERS));
  }
}

/** Counts a field or entry that is looked at. */
function isOver(search: FieldSearch): boolean {
  search.left -= 1;
  return search.left < 0 || search.names.size > MAX_NAMES;
}

/** Header values are ASCII, and a comma separates two names. */
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]|,/g, '?').slice(0, MAX_NAME_CHARACTERS);
}

/**
 * The known name that a misspelt one stands for: the same letters in another spelling, or at most
 * two edits away.
 */
function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = letters(name);
  const same = known.find((one) => letters(one) === plain);
  if (same !== undefined || plain.length < 4) return same;
  const [best] = known
    .filter((one) => Math.abs(letters(one).length - plain.length) <= 2)
    .map((one) => ({ one, edits: editDistance(plain, letters(one)) }))
    .filter(({ one, edits }) => edits <= (one.length < 8 ? 1 : 2))
    .sort((a, b) => a.edits - b.edits);
  return best?.one;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
