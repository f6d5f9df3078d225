import { type GoPackage, goProgram } from '#lib/languages/go/packages';
import { PREPARED, type SourceFile, type Toolchain } from '#lib/languages/language';
import { shellQuote } from '#lib/languages/sandbox-interface';

/** The folder of intermediate files; no file of a request can have this name. */
const WORK = '.go';
const LIBRARY = `${PREPARED}/index`;

/**
 * Calls the compiler and the linker directly, since the `go` command spends most of its time on
 * what is known here. With `isLinked` the steps leave a program; without, they report every error
 * of the main package.
 */
export function goBuildSteps({ programs }: Toolchain, files: readonly SourceFile[], isLinked: boolean): string[][] {
  const machine = /_(\w+)\/compile$/.exec(`${programs.compile}`)?.[1] ?? 'amd64';
  const program = goProgram(files, machine);
  if ('refused' in program) return refusal(program.refused);
  const { packages, version } = program;
  // A program for a newer version runs as this one. Before 1.22, loop variables meant something
  // else.
  const olderVersion =
    version !== undefined && programs.since122 !== undefined && version < 22 ? `go1.${version}` : undefined;
  // Most programs are one package, and need no import map.
  const isSimple = packages.length === 1 && packages[0]?.embedded === undefined;
  const importConfig = isSimple ? LIBRARY : `${WORK}/importcfg`;
  const objects = packages.map((_, index) => (isSimple ? 'main.a' : `${WORK}/${index}.a`));
  const compile = packages.map(({ path, files: sources, embedded }, index) => [
    `${programs.compile}`,
    ...['-p', path, '-complete', ...(isLinked ? ['-pack'] : ['-e']), '-importcfg', importConfig],
    ...(olderVersion === undefined ? [] : ['-lang', olderVersion]),
    ...(embedded === undefined ? [] : ['-embedcfg', `${WORK}/${index}.json`]),
    ...['-o', `${objects[index]}`, ...sources],
  ]);
  const link = [`${programs.link}`, '-s', '-w', '-importcfg', importConfig, '-o', 'program', `${objects.at(-1)}`];
  const steps = [...(isSimple ? [] : [writeConfigs(packages, objects)]), ...compile, ...(isLinked ? [link] : [])];
  const words = steps.flat();
  if (words.some((word) => word.includes('\0'))) return refusal(`${files[0]?.name}:1:1: a name holds a NUL character`);
  const bytes = words.reduce((sum, word) => sum + Buffer.byteLength(shellQuote(word)) + 1, 0);
  if (bytes <= MAX_COMMAND_BYTES) return steps;
  const found = `are ${bytes} bytes together, and at most ${MAX_COMMAND_BYTES} are taken here`;
  return refusal(
    `${files[0]?.name}:1:1: the names of the program's packages and of what they embed ${found}: make them fewer, or shorter`,
  );
}

/** All steps become one argument of a shell, and the kernel bounds an argument to 128 KiB. */
const MAX_COMMAND_BYTES = 120_000;
/** In UTF-16 units, each of which becomes at most four bytes of an argument. */
const MAX_REFUSAL_LENGTH = 20_000;

/** Prints an error in place of the compiler, cut to a length. */
function refusal(text: string): string[][] {
  const shown = text.slice(0, MAX_REFUSAL_LENGTH).toWellFormed().replaceAll('\0', '');
  return [['/bin/sh', '-c', 'printf "%s\\n" "$1" >&2; exit 1', 'sh', shown]];
}

/** Writes the import map, and the embedded files of each package. */
function writeConfigs(packages: readonly GoPackage[], objects: readonly string[]): string[] {
  const imported = packages.slice(0, -1).map(({ path }, index) => `packagefile ${path}=${objects[index]}\n`);
  const texts: [name: string, text: string][] = packages.flatMap(({ embedded }, index) =>
    embedded === undefined ? [] : [[`${index}.json`, JSON.stringify(embedded)]],
  );
  const script = [
    `mkdir ${WORK} && cat ${LIBRARY} >${WORK}/importcfg && printf %s "$1" >>${WORK}/importcfg || exit`,
    ...texts.map(([name], index) => `printf %s "\${${index + 2}}" >${WORK}/${name} || exit`),
  ];
  return ['/bin/sh', '-c', script.join('\n'), 'sh', imported.join(''), ...texts.map(([, text]) => text)];
}
