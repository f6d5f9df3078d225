import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODEGEN_FLAGS } from '#lib/languages/cpp/precompiled-headers';

/**
 * What is linked with a program: what writes its output line by line, and rescues the last of it
 * when the program crashes.
 */
export interface LineOutput {
  /** Commands that make the objects first. */
  steps: string[][];
  /** For the command that links. */
  linked: string[];
}

/** Sources of the objects and what they include, from `lib/languages/cpp/runner`. */
const SOURCES = ['output.h', 'lines.cpp', 'streams.cpp'] as const;
/** C++ streams have buffers of their own only in programs that ask for it, by this name. */
const SEPARATES = 'sync_with_stdio';
const WRAPPED = '-Wl,--wrap=_ZNSt8ios_base15sync_with_stdioEb';

/** The files that `prepareOutput` needs. */
export function lineOutputFiles(): { name: string; content: Buffer }[] {
  const directory = join(process.cwd(), 'lib/languages/cpp/runner');
  return SOURCES.map((name) => ({ name, content: readFileSync(join(directory, name)) }));
}

/**
 * A shell script that compiles the objects in the directory of `lineOutputFiles`; `"$@"` is the
 * compiler.
 */
export const BUILD_LINE_OUTPUT = 'for part in lines streams; do "$@" -c "$part.cpp" -o "$part.o"; done';

/**
 * What a program with these sources is linked with. Where nothing was prepared, it is compiled with
 * the program.
 */
export function lineOutput(prepared: string | undefined, compiler: string, sources: readonly string[]): LineOutput {
  const separates = sources.some((source) => source.includes(SEPARATES));
  const names = separates ? ['lines.o', 'streams.o'] : ['lines.o'];
  const wrapped = separates ? [WRAPPED] : [];
  if (prepared !== undefined) return { steps: [], linked: [...names.map((name) => `${prepared}/${name}`), ...wrapped] };
  const files = lineOutputFiles();
  const script = [
    'mkdir .output && cd .output || exit',
    ...files.map(({ name }) => `printf %s "$1" >${name}; shift`),
    BUILD_LINE_OUTPUT,
  ].join('\n');
  return {
    steps: [
      ['/bin/sh', '-c', script, 'sh', ...files.map(({ content }) => content.toString()), compiler, ...CODEGEN_FLAGS],
    ],
    linked: [...names.map((name) => `.output/${name}`), ...wrapped],
  };
}
