/**
 * Sets of headers that are compiled beforehand, which is most of the work of compiling a small program. A set stands in for
 * the headers that a program includes at its very beginning, where all of the set are among them: the program's own includes
 * then find that they were seen already. The largest that fits is taken.
 */
export const PRECOMPILED: readonly (readonly string[])[] = [
  ['bits/stdc++.h'],
  ['algorithm', 'iostream', 'map', 'string', 'vector'],
  ['algorithm', 'iostream', 'vector'],
  ['iostream', 'vector'],
  ['iostream'],
];

/** What decides whether a precompiled header can be used: the very same, or it is silently left aside. */
export const CODEGEN_FLAGS: readonly string[] = ['-std=gnu++20', '-O1'];

/** What has `source` find its headers compiled already; nothing where none fits, or none were prepared. Pure. */
export function precompiledArguments(prepared: string | undefined, source: string): string[] {
  const set = prepared === undefined ? undefined : precompiledSetFor(source);
  return set === undefined ? [] : ['-include', `${prepared}/${set}.h`];
}

/** The file, without its suffixes, that stands for a set. */
export function setName(headers: readonly string[]): string {
  return headers.map((header) => header.replaceAll(/\W/g, '_')).join('-');
}

/** The set to take for a program; undefined where none fits. Pure. */
export function precompiledSetFor(source: string): string | undefined {
  const included = new Set(leadingHeaders(source));
  const fitting = PRECOMPILED.find((headers) => headers.every((header) => included.has(header)));
  return fitting && setName(fitting);
}

/** Comments, blank space, and includes of the system's headers; anything else could change what a header means. */
const LEADING =
  /\s+|\/\/(?:\\\r?\n|[^\n])*|\/\*[\s\S]*?\*\/|#[ \t]*include[ \t]*<([^<>\n]+)>[ \t]*(?=\r?\n|\/\/|\/\*|$)/y;

/** The system's headers that a program includes before it does anything else. Pure. */
export function leadingHeaders(source: string): string[] {
  const headers: string[] = [];
  LEADING.lastIndex = 0;
  for (let match = LEADING.exec(source); match !== null && match[0] !== ''; match = LEADING.exec(source))
    if (match[1] !== undefined) headers.push(match[1].trim());
  return headers;
}
