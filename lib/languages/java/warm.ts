import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBytes, encodeFiles, encodeLength, encodeTexts } from '#lib/languages/java/length-prefixed';
import {
  PREPARED,
  type PreparationCommand,
  type Toolchain,
  type WarmInput,
  type WarmProcessSpec,
} from '#lib/languages/language';
import { INPUT_DESCRIPTOR, RESULT_DESCRIPTOR } from '#lib/languages/sandbox-interface';

/**
 * Flags of a JVM that lives for a moment: the quick compiler, the small collector, no files in
 * /tmp. Archived classes stay at their address (`ArchiveRelocationMode=0`): JDK 17 and later would
 * move them, which costs time and memory in each JVM.
 */
export const SHORT_LIVED = [
  ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto'],
  ...['-XX:+IgnoreUnrecognizedVMOptions', '-XX:+UnlockDiagnosticVMOptions', '-XX:ArchiveRelocationMode=0'],
];

const JAR = `${PREPARED}/warm.jar`;
const COMPILER_ARCHIVE = `${PREPARED}/compiler.jsa`;
const PROGRAM_ARCHIVE = `${PREPARED}/program.jsa`;
/** A message for the runner that starts the empty program. */
const EMPTY_PROGRAM = `${PREPARED}/empty-program`;
const PACKAGE = 'space.chill.runner';
const PIPE = '/dev/shm/program';
/**
 * How often a compile service compiles `WarmUp.java`. Each round makes its first responses faster
 * and delays its start.
 */
const ROUNDS = 2;

/** Arguments of `java` for a program, without its class and arguments. */
export function jvmFlags(memoryMb: number): string[] {
  return [
    ...SHORT_LIVED,
    // The heap may take all of the program's memory: the limit outside then applies first.
    ...[`-Xmx${memoryMb}m`, '-Xms8m', '-XX:ReservedCodeCacheSize=24m'],
    ...['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', '.classes:.'],
  ];
}

/**
 * Arguments of `javac`. `-proc:none`: an annotation processor is a program of the source's author.
 * The class path is the output, which is empty: sources see each other and the JDK.
 */
export function javacArguments(names: readonly string[]): string[] {
  const sources = names.filter((name) => name.endsWith('.java'));
  return ['-encoding', 'UTF-8', '-proc:none', '-cp', '.classes', '-d', '.classes', ...sources];
}

/**
 * A JVM that waits for classes. It reads a named pipe: Java cannot close an inherited descriptor.
 */
export function warmRunner(entryOf: (input: WarmInput) => string): WarmProcessSpec {
  const feedPipe = `mkfifo ${PIPE} && (cat <&${INPUT_DESCRIPTOR} >${PIPE} &)`;
  return {
    command: ({ programs }, memoryMb) =>
      programs.prepared === undefined
        ? undefined
        : {
            argv: [
              ...['/bin/sh', '-c', `mkdir .classes && ${feedPipe} && exec "$@" ${INPUT_DESCRIPTOR}<&-`],
              ...['sh', `${programs.java}`, `-XX:SharedArchiveFile=${PROGRAM_ARCHIVE}`, `-Xbootclasspath/a:${JAR}`],
              ...jvmFlags(memoryMb),
              ...[`${PACKAGE}.WarmRunner`, EMPTY_PROGRAM, PIPE],
            ],
          },
    encode: (input) => {
      const entry = entryOf(input);
      const { toolchain, memoryMb, args } = input.context;
      const coldCommand = [`${toolchain.programs.java}`, ...jvmFlags(memoryMb), entry, ...args];
      return Buffer.concat([
        ...encodeFiles(input.files),
        ...encodeBytes(entry),
        ...encodeTexts(args),
        ...encodeTexts(coldCommand),
        input.artifact ?? new Uint8Array(),
      ]);
    },
    idleMegabytes: 30,
  };
}

/**
 * Flags of a JVM that compiles many programs: a small young generation, and messages of the JVM
 * itself on stderr. The limit outside applies before that of the heap.
 */
function serviceFlags(memoryMb: number): string[] {
  return [
    ...[...SHORT_LIVED, `-Xmx${memoryMb}m`, '-Xms16m', '-Xmn8m', '-XX:+DisplayVMOutputToStderr'],
    ...['-Xlog:disable', '-Xlog:all=warning:stderr', '-cp', JAR],
  ];
}

/** A JVM with javac in it, which serves many compilations. */
export const warmCompiler: WarmProcessSpec = {
  isService: true,
  command: ({ programs }, memoryMb) =>
    programs.prepared === undefined
      ? undefined
      : {
          argv: [
            ...['/bin/sh', '-c', `exec "$@" >&${RESULT_DESCRIPTOR} ${RESULT_DESCRIPTOR}>&-`],
            ...['sh', `${programs.java}`, `-XX:SharedArchiveFile=${COMPILER_ARCHIVE}`, ...serviceFlags(memoryMb)],
            ...[`${PACKAGE}.CompileService`, `${PREPARED}/WarmUp.java`, `${ROUNDS}`],
          ],
        },
  encode: ({ files }) =>
    Buffer.concat([...encodeFiles(files), ...encodeTexts(javacArguments(files.map(({ name }) => name)))]),
  idleMegabytes: 95,
};

/**
 * The command that starts `javac`, without its arguments. It loads classes from the archive if
 * there is one.
 */
export function javacCommand({ programs }: Toolchain): string[] {
  if (programs.prepared === undefined) return [`${programs.javac}`, ...SHORT_LIVED.map((flag) => `-J${flag}`)];
  // The archive is valid for its own class path only, with which `javac` itself does not start.
  return [
    ...[`${programs.java}`, `-XX:SharedArchiveFile=${COMPILER_ARCHIVE}`, ...SHORT_LIVED],
    ...['-cp', JAR, 'com.sun.tools.javac.Main'],
  ];
}

/**
 * Compiles the warm runner and the compile service, and makes a class data archive (AppCDS) of
 * each. Archives hold the paths of their classes, so that they are made at the path that the
 * sandbox sees.
 */
export function buildJvmArchives({ programs }: Toolchain, directory: string): PreparationCommand {
  const sources = join(process.cwd(), 'lib/languages/java/jvm');
  const flags = SHORT_LIVED.join(' ');
  const script = [
    `set -e; cd ${PREPARED}`,
    `${programs.javac} -d classes ${SOURCES.join(' ')}`,
    `"$(dirname "$(readlink -f ${programs.javac})")/jar" cf warm.jar -C classes .`,
    `${programs.javac} -d empty EmptyProgram.java && tar -cf empty.tar -C empty . && cat header empty.tar >empty-program`,
    'chmod 0444 empty-program && mkdir -p work/.classes && cd work',
    `${programs.java} ${flags} -XX:ArchiveClassesAtExit=${COMPILER_ARCHIVE} -cp ${JAR} ${PACKAGE}.CompileService ${PREPARED}/WarmUp.java ${ROUNDS} only >&2`,
    'mkdir -p .classes',
    `${programs.java} -XX:ArchiveClassesAtExit=${PROGRAM_ARCHIVE} -Xbootclasspath/a:${JAR} ${jvmFlags(64).join(' ')} ${PACKAGE}.WarmRunner ${EMPTY_PROGRAM} >&2`,
    'cd .. && rm -rf work classes empty empty.tar header',
  ];
  return {
    argv: [
      ...['/usr/bin/bwrap', '--dev-bind', '/', '/', '--tmpfs', '/opt', '--bind', directory, PREPARED],
      ...['--unshare-net', '--die-with-parent', '/bin/sh', '-c', script.join('\n')],
    ],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: directory, LANG: 'C.UTF-8', TZ: 'UTC' },
    files: [
      ...[...SOURCES, 'EmptyProgram.java', 'WarmUp.java'].map((name) => ({
        name,
        content: readFileSync(join(sources, name)),
      })),
      { name: 'header', content: emptyProgramHeader() },
    ],
  };
}

const SOURCES = ['MessageReader', 'TarWriter', 'CompileService', 'CdsTraining', 'WarmRunner', 'Program'].map(
  (name) => `${name}.java`,
);

/** A message without files and arguments; the classes of the empty program follow it. */
function emptyProgramHeader(): Buffer {
  return Buffer.concat([encodeLength(0), ...encodeBytes(`${PACKAGE}.EmptyProgram`), encodeLength(0), encodeLength(0)]);
}
