import { type GoOutline, isFileBuilt, readGoOutline, type SourcePosition } from '#lib/languages/go/source-outline';
import type { SourceFile } from '#lib/languages/language';

/** A package of a program. */
export interface GoPackage {
  /** By which it is imported; `main` for the program's own. */
  path: string;
  /** Its sources, below the work directory. */
  files: string[];
  /**
   * What its `//go:embed` name: the files of each pattern, relative to the package's folder;
   * undefined without any.
   */
  embedded: { Patterns: Record<string, string[]>; Files: Record<string, string> } | undefined;
}

/** How a program is put together. */
export type GoProgram =
  | {
      /** Each after those that it imports; the program's own last. */
      packages: GoPackage[];
      /** The version of the language that `go.mod` asks for: 21 of Go 1.21. */
      version: number | undefined;
    }
  /** As the compiler would write it: `main.go:3:1: …`, a line each. */
  | { refused: string };

interface ParsedGoFile {
  name: string;
  source: GoOutline;
}

/**
 * Finds the packages of a program as `go run .` would, in the files of the request and for
 * `machine`: the main file's folder, and the folders of the same module that it imports. A main
 * file that a `//go:build` leaves out is run by itself, as by its name. Nothing is looked for
 * elsewhere. Pure.
 */
export function goProgram(files: readonly SourceFile[], machine: string): GoProgram {
  const [main] = files;
  if (main === undefined) return { packages: [], version: undefined };
  const module = moduleOf(files);
  const read = files
    .filter(({ name }) => name.endsWith('.go'))
    .map(({ name, text }): ParsedGoFile => ({ name, source: readGoOutline(text) }));
  const built = read.filter(({ name, source }) => isFileBuilt(name, source.constraint, machine));
  const inFolder = (folder: string) => built.filter(({ name }) => folderOf(name) === folder);
  const isMainBuilt = built.some(({ name }) => name === main.name);
  const own = isMainBuilt ? inFolder('') : read.filter(({ name }) => name === main.name);

  const complaints = complaintsOfMain(own, main.name);
  const packages: GoPackage[] = [];
  const done = new Set<string>();
  const going: string[] = [];
  const add = (path: string, members: readonly ParsedGoFile[]) => {
    going.push(path);
    for (const { name, source } of members)
      for (const { path: imported, place } of source.imports) {
        const folder = module.folderOf(imported);
        if (folder === undefined || done.has(imported)) continue;
        const found = inFolder(folder);
        const complaint = complaintOfImport(imported, folder, found, going);
        if (complaint !== undefined) complaints.push(goError(name, place, complaint));
        else add(imported, found);
      }
    going.pop();
    done.add(path);
    const { embedded, missing } = embeddedIn(members, files);
    complaints.push(...missing);
    packages.push({ path, files: members.map(({ name }) => name), embedded });
  };
  add('main', own);
  return complaints.length > 0 ? { refused: complaints.join('\n') } : { packages, version: module.version };
}

interface GoModule {
  /** The folder of a package that is in the program. */
  folderOf: (path: string) => string | undefined;
  version: number | undefined;
}

function moduleOf(files: readonly SourceFile[]): GoModule {
  const text = files.find(({ name }) => name === 'go.mod')?.text ?? '';
  const name = /^\s*module\s+"?([^\s"]+)/m.exec(text)?.[1];
  const version = /^\s*go\s+1\.(\d+)/m.exec(text)?.[1];
  const vendored = new Set(
    files.map((file) => folderOf(file.name)).flatMap((folder) => /^vendor\/(.+)$/.exec(folder)?.[1] ?? []),
  );
  return {
    folderOf: (path) => {
      if (vendored.has(path)) return `vendor/${path}`;
      if (name === undefined) return undefined;
      if (path === name) return '';
      return path.startsWith(`${name}/`) ? path.slice(name.length + 1) : undefined;
    },
    version: version === undefined ? undefined : Number(version),
  };
}

function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('/')));
}

function goError(file: string, place: () => SourcePosition, message: string): string {
  const { line, column } = place();
  return `${file}:${line}:${column}: ${message}`;
}

/** What the linker would say without a line. */
function complaintsOfMain(own: readonly ParsedGoFile[], main: string): string[] {
  const clause = own.find(({ name }) => name === main)?.source.package;
  if (clause === undefined) return [];
  if (clause.name !== 'main')
    return [
      goError(main, clause.place, `package ${clause.name} is not a program: one that can be run has "package main"`),
    ];
  if (own.some(({ source }) => source.hasMain)) return [];
  return [
    goError(main, clause.place, 'function main is undeclared in the main package: a program begins with func main()'),
  ];
}

function complaintOfImport(
  path: string,
  folder: string,
  found: readonly ParsedGoFile[],
  going: readonly string[],
): string | undefined {
  if (going.includes(path))
    return `import cycle not allowed: ${[...going.slice(going.indexOf(path)), path].join(' imports ')}`;
  if (folder === '' || found.some(({ source }) => source.package?.name === 'main'))
    return `${path} is a program, not a package that can be imported`;
  return found.length === 0 ? `package ${path} is not there: the program has no Go files in ${folder}/` : undefined;
}

function embeddedIn(
  members: readonly ParsedGoFile[],
  files: readonly SourceFile[],
): { embedded: GoPackage['embedded']; missing: string[] } {
  const [first] = members;
  const count = members.reduce((sum, { source }) => sum + source.patterns.length, 0);
  if (first !== undefined && count > MAX_PATTERNS)
    return { embedded: undefined, missing: [tooMany(first.name, `${count} patterns, and at most ${MAX_PATTERNS}`)] };
  const missing: string[] = [];
  const Patterns: Record<string, string[]> = {};
  const Files: Record<string, string> = {};
  for (const { name, source } of members)
    for (const { pattern, place } of source.patterns) {
      const folder = folderOf(name);
      const prefix = folder === '' ? '' : `${folder}/`;
      const names = files.filter((file) => file.name.startsWith(prefix)).map((file) => file.name.slice(prefix.length));
      const matching = matches(pattern, names);
      if (matching.length === 0) missing.push(goError(name, place, `pattern ${pattern}: no matching files found`));
      Patterns[pattern] = matching;
      for (const file of matching) Files[file] = prefix + file;
    }
  const hasAny = Object.keys(Patterns).length > 0;
  if (first !== undefined && JSON.stringify([Patterns, Files]).length > MAX_EMBEDDED_LENGTH)
    missing.push(tooMany(first.name, 'files whose names are too long together, for all patterns, and fewer'));
  return { embedded: hasAny ? { Patterns, Files } : undefined, missing };
}

function tooMany(file: string, found: string): string {
  return goError(file, () => ({ line: 1, column: 1 }), `the package has //go:embed for ${found} are taken here`);
}

const MAX_PATTERNS = 200;
/** It is an argument of a command, of which the kernel takes 128 KiB in all. */
const MAX_EMBEDDED_LENGTH = 32_768;

/**
 * The files that a pattern of `//go:embed` means: those it matches, and all in the folders that it
 * matches but for `_…` and `.…`.
 */
function matches(pattern: string, names: readonly string[]): string[] {
  const isAll = pattern.startsWith('all:');
  const parts = (isAll ? pattern.slice('all:'.length) : pattern).split('/').map(globOf);
  return names
    .filter((name) => {
      const segments = name.split('/');
      const rest = segments.slice(parts.length);
      return (
        segments.length >= parts.length &&
        parts.every((part, index) => part !== undefined && isMatch(part, segments[index] ?? '')) &&
        (isAll || rest.every((segment) => !/^[._]/.test(segment)))
      );
    })
    .toSorted();
}

/** Whether a character matches; undefined stands for any number of them. */
type GlobPart = ((character: string) => boolean) | undefined;

/**
 * One part of a path with Go's wildcards: `*`, `?`, `[a-z]` and `\`. Undefined where it is not
 * well-formed.
 */
function globOf(text: string): GlobPart[] | undefined {
  const parts: GlobPart[] = [];
  let rest = text;
  while (rest !== '') {
    const match = /^(?:(\*)|(\?)|\\(.)|\[(\^?)((?:\\.|[^\]\\])+)\]|([^\\[]))/su.exec(rest);
    if (match === null) return undefined;
    const [whole, many, one, escaped, not, set, plain] = match;
    rest = rest.slice(whole.length);
    const inSet = set === undefined ? undefined : setOf(set);
    if (many !== undefined) parts.push(undefined);
    else if (one !== undefined) parts.push(() => true);
    else if (inSet !== undefined) parts.push((character) => inSet(character) === (not === ''));
    else parts.push((character) => character === (escaped ?? plain));
  }
  return parts;
}

function setOf(text: string): (character: string) => boolean {
  const ranges = [...text.matchAll(/(?:\\(.)|([^\\]))(?:-(?:\\(.)|([^\\])))?/gsu)].map(
    ([, quoted, first, quotedLast, last]) => {
      const from = quoted ?? first ?? '';
      return { from, to: quotedLast ?? last ?? from };
    },
  );
  return (character) => ranges.some(({ from, to }) => from <= character && character <= to);
}

/**
 * In time of the product of both lengths at most: after a character that does not match, the last
 * `*` takes one more.
 */
function isMatch(parts: readonly GlobPart[], name: string): boolean {
  const characters = [...name];
  let [part, at] = [0, 0];
  let star: { part: number; at: number } | undefined;
  while (at < characters.length) {
    if (part < parts.length && parts[part] === undefined) {
      star = { part, at };
      part += 1;
    } else if (parts[part]?.(characters[at] ?? '') === true) {
      part += 1;
      at += 1;
    } else if (star !== undefined) {
      star.at += 1;
      part = star.part + 1;
      at = star.at;
    } else return false;
  }
  return parts.slice(part).every((left) => left === undefined);
}
