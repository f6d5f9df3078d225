import { type GoOutline, isFileBuilt, readGoOutline, type SourcePosition } from '#lib/languages/go/source-outline';
import type { SourceFile } from '#lib/languages/language';

/** A package of a program. */
export interface GoPackage {
  /** The import path; `main` for the program's own package. */
  path: string;
  /** Its sources, relative to the work directory. */
  files: string[];
  /**
   * The compiler's `-embedcfg`: the files of each pattern of `//go:embed`, relative to the
   * package's folder. Undefined without patterns.
   */
  embedded: { Patterns: Record<string, string[]>; Files: Record<string, string> } | undefined;
}

/** The packages of a program, or why it is refused. */
export type GoProgram =
  | {
      /** In dependency order; the program's own package is the last. */
      packages: GoPackage[];
      /** The minor version of the language in `go.mod`: 21 for Go 1.21. */
      version: number | undefined;
    }
  /** Errors in the compiler's form, one a line: `main.go:3:1: …`. */
  | { refused: string };

interface ParsedGoFile {
  name: string;
  source: GoOutline;
}

/**
 * Finds the packages of a program as `go run .` does, in the files of the request and for
 * `machine`: the main file's folder, and the folders of the same module that it imports. If a
 * `//go:build` excludes the main file, that file alone is the program. Pure.
 */
export function goProgram(files: readonly SourceFile[], machine: string): GoProgram {
  const [main] = files;
  if (main === undefined) return { packages: [], version: undefined };
  const module = moduleOf(files);
  const parsed = files
    .filter(({ name }) => name.endsWith('.go'))
    .map(({ name, text }): ParsedGoFile => ({ name, source: readGoOutline(text) }));
  const built = parsed.filter(({ name, source }) => isFileBuilt(name, source.constraint, machine));
  const inFolder = (folder: string) => built.filter(({ name }) => folderOf(name) === folder);
  const isMainBuilt = built.some(({ name }) => name === main.name);
  const mainMembers = isMainBuilt ? inFolder('') : parsed.filter(({ name }) => name === main.name);

  const errors = mainErrors(mainMembers, main.name);
  const packages: GoPackage[] = [];
  const done = new Set<string>();
  /** The import paths that lead to the current package. */
  const importChain: string[] = [];
  const add = (path: string, members: readonly ParsedGoFile[]) => {
    importChain.push(path);
    for (const { name, source } of members)
      for (const { path: imported, place } of source.imports) {
        const folder = module.folderOf(imported);
        if (folder === undefined || done.has(imported)) continue;
        const found = inFolder(folder);
        const error = importError(imported, folder, found, importChain);
        if (error !== undefined) errors.push(goError(name, place, error));
        else add(imported, found);
      }
    importChain.pop();
    done.add(path);
    const { embedded, missing } = embeddedIn(members, files);
    errors.push(...missing);
    packages.push({ path, files: members.map(({ name }) => name), embedded });
  };
  add('main', mainMembers);
  return errors.length > 0 ? { refused: errors.join('\n') } : { packages, version: module.version };
}

interface GoModule {
  /** The folder of a package, if it is part of the program. */
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

/** Errors that the linker would report without a line. */
function mainErrors(members: readonly ParsedGoFile[], main: string): string[] {
  const clause = members.find(({ name }) => name === main)?.source.package;
  if (clause === undefined) return [];
  if (clause.name !== 'main')
    return [
      goError(main, clause.place, `package ${clause.name} is not a program: one that can be run has "package main"`),
    ];
  if (members.some(({ source }) => source.hasMain)) return [];
  return [
    goError(main, clause.place, 'function main is undeclared in the main package: a program begins with func main()'),
  ];
}

function importError(
  path: string,
  folder: string,
  found: readonly ParsedGoFile[],
  importChain: readonly string[],
): string | undefined {
  if (importChain.includes(path))
    return `import cycle not allowed: ${[...importChain.slice(importChain.indexOf(path)), path].join(' imports ')}`;
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
/** The JSON becomes an argument of a command, which the kernel bounds. */
const MAX_EMBEDDED_LENGTH = 32_768;

/**
 * The files of a pattern of `//go:embed`: those that it matches, and the files in folders that it
 * matches. Below folders it skips `_…` and `.…`, unless it begins with `all:`.
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

/** Matches one character; undefined matches any number of them. */
type GlobPart = ((character: string) => boolean) | undefined;

/**
 * Parses one segment of a path with Go's wildcards: `*`, `?`, `[a-z]` and `\`. Undefined if it is
 * malformed.
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
 * Takes at most the product of both lengths: after a mismatch, only the last `*` takes one more
 * character.
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
