import { type GoPackage, goProgram } from '#lib/languages/go/packages';
import { PREPARED, type SourceFile, type Toolchain } from '#lib/languages/language';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';

/** Where what is made on the way lies; no file of a request has such a name. */
const MADE = '.go';
const LIBRARY = `${PREPARED}/index`;

/**
 * The compiler and the linker directly: the `go` command would spend most of its time finding out
 * what it knows already. With `isLinked` a program is left, otherwise every error of its own
 * package is told.
 */
export function goBuildSteps({ programs }: Toolchain, files: readonly SourceFile[], isLinked: boolean): string[][] {
  const machine = /_(\w+)\/compile$/.exec(`${programs.compile}`)?.[1] ?? 'amd64';
  const program = goProgram(files, machine);
  if ('refused' in program) return refusal(program.refused);
  const { packages, version } = program;
  // A newer version than this one is run as this one. Of an older one it is the variables of loops
  // that mean something else.
  const lowered =
    version !== undefined && programs.since122 !== undefined && version < 22 ? `go1.${version}` : undefined;
  // Most programs are of one package, and need nothing written down.
  const isSimple = packages.length === 1 && packages[0]?.embedded === undefined;
  const importConfig = isSimple ? LIBRARY : `${MADE}/importcfg`;
  const objects = packages.map((_, index) => (isSimple ? 'main.a' : `${MADE}/${index}.a`));
  const compiled = packages.map(({ path, files: sources, embedded }, index) => [
    `${programs.compile}`,
    ...['-p', path, '-complete', ...(isLinked ? ['-pack'] : ['-e']), '-importcfg', importConfig],
    ...(lowered === undefined ? [] : ['-lang', lowered]),
    ...(embedded === undefined ? [] : ['-embedcfg', `${MADE}/${index}.json`]),
    ...['-o', `${objects[index]}`, ...sources],
  ]);
  const linked = [`${programs.link}`, '-s', '-w', '-importcfg', importConfig, '-o', 'program', `${objects.at(-1)}`];
  const steps = [...(isSimple ? [] : [written(packages, objects)]), ...compiled, ...(isLinked ? [linked] : [])];
  const words = steps.flat();
  if (words.some((word) => word.includes('\0'))) return refusal(`${files[0]?.name}:1:1: a name holds a NUL character`);
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(shellQuote(word)) + 1, 0);
  if (bytes <= MAX_COMMAND_BYTES) return steps;
  const found = `are ${bytes} bytes together, and at most ${MAX_COMMAND_BYTES} are taken here`;
  return refusal(
    `${files[0]?.name}:1:1: the names of the program's packages and of what they embed ${found}: make them fewer, or shorter`,
  );
}

/** All steps become one argument of a shell, and the kernel takes none of more than 128 KiB. */
const MAX_COMMAND_BYTES = 120_000;
/** Of UTF-16 units, of which none becomes more than four bytes of an argument. */
const MAX_REFUSAL_LENGTH = 20_000;

/** What is told in place of the compiler's words, of which the first are enough. */
function refusal(text: string): string[][] {
  const told = text.slice(0, MAX_REFUSAL_LENGTH).toWellFormed().replaceAll('\0', '');
  return [['/bin/sh', '-c', 'printf "%s\\n" "$1" >&2; exit 1', 'sh', told]];
}

/** Writes where packages are found, and what is embedded in them. */
function written(packages: readonly GoPackage[], objects: readonly string[]): string[] {
  const imported = packages.slice(0, -1).map(({ path }, index) => `packagefile ${path}=${objects[index]}\n`);
  const texts: [name: string, text: string][] = packages.flatMap(({ embedded }, index) =>
    embedded === undefined ? [] : [[`${index}.json`, JSON.stringify(embedded)]],
  );
  const script = [
    `mkdir ${MADE} && cat ${LIBRARY} >${MADE}/importcfg && printf %s "$1" >>${MADE}/importcfg || exit`,
    ...texts.map(([name], index) => `printf %s "\${${index + 2}}" >${MADE}/${name} || exit`),
  ];
  return ['/bin/sh', '-c', script.join('\n'), 'sh', imported.join(''), ...texts.map(([, text]) => text)];
}
