import { editDistance } from '#lib/edit-distance';

/** Finds request fields that have no effect, for the response header `X-Ignored-Fields`. */

const MAX_NAMES = 20;
const MAX_NAME_CHARACTERS = 64;
/** Deeper than any field of a chat request. */
const MAX_DEPTH = 8;
const MAX_SENT_NAMES = 100;
/** Fields and list entries of a body that are searched. The rest is not. */
const MAX_VISITED = 20_000;
/** Clients of both APIs send these redundant fields, and nothing depends on them. */
const REDUNDANT: ReadonlySet<string> = new Set([
  'messages.tool_calls.type',
  'messages.tool_calls.index',
  'messages.tool_calls.function.index',
]);

/**
 * Returns the fields of `body` that the schema's output `parsed` lacks: dotted names without list
 * indexes (`messages.nme`), cut to 64 characters. A top-level name that is close to one of `known`
 * gets a suggestion; a known name may be nested (`options.temperature`), and its last part counts.
 * Searches at most 20,000 fields and returns at most 21 names, one more than
 * the header shows, so the work is bounded for any body.
 */
export function unknownFields(body: unknown, parsed: unknown, known: readonly string[]): readonly string[] {
  const search = { names: new Set<string>(), left: MAX_VISITED };
  collect(body, parsed, '', 0, search);
  return [...search.names].map((name) => {
    const meant = name.includes('.') ? undefined : closest(name, known);
    return meant === undefined ? name : `${name} (did you mean ${meant}?)`;
  });
}

/** The response header that names these fields; empty without fields. */
export function ignoredFieldsHeader(...lists: (readonly string[])[]): Record<string, string> {
  return namesHeader('x-ignored-fields', lists.flat());
}

/** The response header that names fields that were left out; empty without fields. */
export function droppedFieldsHeader(...lists: (readonly string[])[]): Record<string, string> {
  return namesHeader('x-dropped-params', lists.flat());
}

function namesHeader(header: string, all: readonly string[]): Record<string, string> {
  const names = [...new Set(all)];
  if (names.length === 0) return {};
  const shown = names.slice(0, MAX_NAMES).map(printable);
  return { [header]: [...shown, ...(names.length > MAX_NAMES ? ['...'] : [])].join(', ') };
}

interface FieldSearch {
  /** At most one more than the header shows. */
  readonly names: Set<string>;
  /** How many more fields and list entries may be visited. */
  left: number;
}

function collect(sent: unknown, read: unknown, path: string, depth: number, search: FieldSearch): void {
  // A value that the schema passes through unchanged has no unknown fields.
  if (sent === read || typeof sent !== 'object' || sent === null || typeof read !== 'object' || read === null) return;
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(sent)) {
    if (!Array.isArray(read)) return;
    for (const [index, item] of sent.entries()) {
      if (isExhausted(search)) return;
      collect(item, read[index], path, depth + 1, search);
    }
    return;
  }
  for (const name of Object.keys(sent)) {
    if (isExhausted(search)) return;
    const value: unknown = Reflect.get(sent, name);
    const full = path === '' ? name : `${path}.${name}`;
    if (Object.hasOwn(read, name)) collect(value, Reflect.get(read, name), full, depth + 1, search);
    else if (value !== null && !REDUNDANT.has(full)) search.names.add(full.slice(0, MAX_NAME_CHARACTERS));
  }
}

/** Counts one visit. Returns whether the search has to end. */
function isExhausted(search: FieldSearch): boolean {
  search.left -= 1;
  return search.left < 0 || search.names.size > MAX_NAMES;
}

/** Header values are ASCII, and a comma separates two names. */
function printable(name: string): string {
  return name.replace(/[^\x20-\x7e]|,/g, '?').slice(0, MAX_NAME_CHARACTERS);
}

/**
 * The name that was sent instead of the required field `missing`, if one of `sent` is close to it.
 * Reads at most 100 names.
 */
export function misspeltName(missing: string, sent: readonly string[]): string | undefined {
  return sent
    .slice(0, MAX_SENT_NAMES)
    .find((name) => name.length <= MAX_NAME_CHARACTERS && closest(name, [missing]) !== undefined);
}

/** The known name with the same letters and digits, otherwise one at most two edits away. */
function closest(name: string, known: readonly string[]): string | undefined {
  const plain = letters(name);
  const candidates = known.map((candidate) => ({ candidate, meant: letters(candidate.split('.').at(-1) ?? '') }));
  const same = candidates.find(({ meant }) => meant === plain)?.candidate;
  if (same !== undefined || plain.length < 4) return same;
  const [best] = candidates
    .filter(({ meant }) => Math.abs(meant.length - plain.length) <= 2)
    .map(({ candidate, meant }) => ({ candidate, meant, edits: editDistance(plain, meant) }))
    .filter(({ meant, edits }) => edits <= (meant.length < 8 ? 1 : 2))
    .sort((a, b) => a.edits - b.edits);
  return best?.candidate;
}

function letters(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '');
}
