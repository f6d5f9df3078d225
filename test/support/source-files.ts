import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { parseSync, Visitor } from 'rolldown/utils';

/** Sources with a program's own language in them, which is not this project's. */
const PROGRAMS = /^lib\/(runner\/attacks|languages\/[a-z]+\/corpus)\//;

export interface SourceImport {
  /** The imported file, relative to the repository, or the name of a package. */
  target: string;
  isType: boolean;
  /** `import()`: loaded later. */
  isDynamic?: true;
}

/**
 * The repository's tracked files and those not yet added, without ignored ones. Paths are relative
 * to it.
 */
export function repositoryFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' });
  const deleted = new Set(execFileSync('git', ['ls-files', '--deleted'], { encoding: 'utf8' }).split('\n'));
  return listed.split('\n').filter((file) => file !== '' && !deleted.has(file) && !PROGRAMS.test(file));
}

/**
 * What a file imports: static, dynamic and type imports, and exports from another file. Specifiers
 * are resolved against `files`; `#lib/…` and `#components/…` are the aliases of package.json.
 */
export function importsOf(file: string, text: string, files: ReadonlySet<string>): SourceImport[] {
  const { module, program } = parseSync(file, text);
  const found: { specifier: string; isType: boolean; isDynamic?: true }[] = [];
  for (const { moduleRequest, entries, start } of module.staticImports) {
    const isTypeOnly = text.startsWith('import type', start);
    found.push({ specifier: moduleRequest.value, isType: isTypeOnly || isEach(entries, 'isType') });
  }
  for (const { entries, start } of module.staticExports) {
    const isTypeOnly = text.startsWith('export type', start);
    for (const { moduleRequest, isType } of entries)
      if (moduleRequest) found.push({ specifier: moduleRequest.value, isType: isType || isTypeOnly });
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const literal = text.slice(moduleRequest.start, moduleRequest.end).match(/^(['"`])([^'"`$]+)\1$/);
    if (literal?.[2] !== undefined) found.push({ specifier: literal[2], isType: false, isDynamic: true });
  }
  new Visitor({
    TSImportType: ({ source }) => {
      found.push({ specifier: source.value, isType: true });
    },
  }).visit(program);
  return found.map(({ specifier, ...kind }) => ({ target: resolve(file, specifier, files), ...kind }));
}

export function readSource(file: string): string {
  return readFileSync(file, 'utf8');
}

function isEach<K extends string>(entries: readonly Record<K, boolean>[], key: K): boolean {
  return entries.length > 0 && entries.every((entry) => entry[key]);
}

function resolve(from: string, specifier: string, files: ReadonlySet<string>): string {
  if (!/^(\.{1,2}|#lib|#components)\//.test(specifier)) return specifier;
  const path = specifier.startsWith('#') ? specifier.slice(1) : posix.join(posix.dirname(from), specifier);
  for (const ending of ['', '.ts', '.tsx', '.d.ts']) if (files.has(path + ending)) return path + ending;
  throw new Error(`${from} imports ${specifier}, which is not a file of the repository`);
}
