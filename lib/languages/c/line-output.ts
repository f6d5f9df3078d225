import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Objects that are linked with a program: they write its output line by line, also in a crash. */
export interface LineOutput {
  /** Commands that make the objects first. */
  steps: string[][];
  /** Words of the command that links. */
  linked: string[];
}

/** The objects and their sources, below `lib/languages`. */
export interface LineOutputSpec {
  /** Compiler and flags. */
  compile: readonly string[];
  /** Sources, each of which becomes an object next to it. */
  sources: readonly string[];
}

const HEADER = 'c/output/output.h';
export const C_LINE_OUTPUT = 'c/output/lines.c';

/** The files that `buildLineOutput` compiles. */
export function lineOutputFiles({ sources }: LineOutputSpec): { name: string; content: Buffer }[] {
  const root = join(process.cwd(), 'lib/languages');
  return [HEADER, ...sources].map((path) => ({
    name: basename(path),
    content: readFileSync(join(root, path)),
  }));
}

/**
 * A shell script that compiles the objects in the directory of the files; `"$@"` is the compiler.
 */
export function buildLineOutput({ sources }: LineOutputSpec): string {
  const names = sources.map((path) => basename(path)).join(' ');
  return `for part in ${names}; do "$@" -c "$part" -o "\${part%.*}.o" || exit; done`;
}

/** Makes the link arguments. If no objects were prepared, they are compiled with the program. */
export function lineOutput(prepared: string | undefined, spec: LineOutputSpec): LineOutput {
  const objects = spec.sources.map((path) => `${basename(path).replace(/\.\w+$/, '')}.o`);
  if (prepared !== undefined) return { steps: [], linked: objects.map((name) => `${prepared}/${name}`) };
  const files = lineOutputFiles(spec);
  const script = [
    'mkdir .output && cd .output || exit',
    ...files.map(({ name }) => `printf %s "$1" >${name}; shift`),
    buildLineOutput(spec),
  ].join('\n');
  return {
    steps: [['/bin/sh', '-c', script, 'sh', ...files.map(({ content }) => content.toString()), ...spec.compile]],
    linked: objects.map((name) => `.output/${name}`),
  };
}
