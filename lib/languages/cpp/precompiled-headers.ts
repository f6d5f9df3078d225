/**
 * Sets of precompiled headers: parsing headers is most of the work of a small program. A set
 * applies if the program includes all of it at its very beginning; include guards then skip the
 * program's own includes. The largest set that applies is used.
 */
export const PRECOMPILED: readonly (readonly string[])[] = [
  ['bits/stdc++.h'],
  ['algorithm', 'iostream', 'map', 'string', 'vector'],
  ['algorithm', 'iostream', 'vector'],
  ['iostream', 'vector'],
  ['iostream'],
];

/**
 * Flags of headers and programs alike. With any difference, GCC silently ignores the precompiled
 * header.
 */
export const CODEGEN_FLAGS: readonly string[] = ['-std=gnu++20', '-O1'];

/** Arguments that apply a precompiled set to `source`; empty if none applies. Pure. */
export function precompiledArguments(prepared: string | undefined, source: string): string[] {
  const set = prepared === undefined ? undefined : precompiledSetFor(source);
  return set === undefined ? [] : ['-include', `${prepared}/${set}.h`];
}

/** The file name of a set, without its suffixes. */
export function setName(headers: readonly string[]): string {
  return headers.map((header) => header.replaceAll(/\W/g, '_')).join('-');
}

/** The name of the set that applies to a program. Pure. */
export function precompiledSetFor(source: string): string | undefined {
  const included = new Set(leadingHeaders(source));
  const set = PRECOMPILED.find((headers) => headers.every((header) => included.has(header)));
  return set && setName(set);
}

/**
 * Comments, white space and system includes. Anything else could change the meaning of a header.
 */
const LEADING =
  /\s+|\/\/(?:\\\r?\n|[^\n])*|\/\*[\s\S]*?\*\/|#[ \t]*include[ \t]*<([^<>\n]+)>[ \t]*(?=\r?\n|\/\/|\/\*|$)/y;

/** The system headers that a program includes before anything else. Pure. */
export function leadingHeaders(source: string): string[] {
  const headers: string[] = [];
  LEADING.lastIndex = 0;
  for (let match = LEADING.exec(source); match !== null && match[0] !== ''; match = LEADING.exec(source))
    if (match[1] !== undefined) headers.push(match[1].trim());
  return headers;
}
