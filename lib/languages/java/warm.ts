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
import { INPUT_DESCRIPTOR, RESULT_DESCRIPTOR } from '#lib/runner/sandbox/sandbox';

/**
 * A JVM that lives for a moment: the quick compiler, the small collector, no files in /tmp. The archived classes are taken where they
 * lie: to move them to another address costs each JVM ten milliseconds and as many megabytes (JDK 17 and later do so unless told).
 */
export const SHORT_LIVED = [
  ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto'],
  ...['-XX:+IgnoreUnrecognizedVMOptions', '-XX:+UnlockDiagnosticVMOptions', '-XX:ArchiveRelocationMode=0'],
];

const JAR = `${PREPARED}/waiting.jar`;
const COMPILER_ARCHIVE = `${PREPARED}/compiling.jsa`;
const PROGRAM_ARCHIVE = `${PREPARED}/running.jsa`;
const COMPILING = 'space.chill.runner.Compiling';
const RUNNING = 'space.chill.runner.Running';
const REHEARSAL = `${PREPARED}/rehearsal`;
const PIPE = '/dev/shm/program';
/** How often a waiting compiler has compiled `WARM_UP`: more makes it quicker, and takes a quarter of a second each. */
const ROUNDS = 2;

/** What `java` is told for a program, but for its class and what follows. */
export function jvmFlags(memoryMb: number): string[] {
  return [
    ...SHORT_LIVED,
    // The heap may take all of the program's memory: with what the JVM itself needs, the bound outside answers first.
    ...[`-Xmx${memoryMb}m`, '-Xms8m', '-XX:ReservedCodeCacheSize=24m'],
    ...['-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', '.classes:.'],
  ];
}

/** `javac`'s own arguments. */
export function javacArguments(names: readonly string[]): string[] {
  // Annotation processors are programs of the source's author; they have no business in a compiler.
  return ['-encoding', 'UTF-8', '-proc:none', '-d', '.classes', ...names.filter((name) => name.endsWith('.java'))];
}

/** A JVM that waits for classes. The pipe that it reads has a name, since Java could not close a descriptor that it inherits. */
export function warmRunner(entryOf: (given: WarmInput) => string): WarmProcessSpec {
  return {
    command: ({ programs }, memoryMb) =>
      programs.prepared === undefined
        ? undefined
        : {
            argv: [
              ...['/bin/sh', '-c'],
              `mkdir .classes && mkfifo ${PIPE} && (cat <&${INPUT_DESCRIPTOR} >${PIPE} &) && exec "$@" ${INPUT_DESCRIPTOR}<&-`,
              ...['sh', `${programs.java}`, `-XX:SharedArchiveFile=${PROGRAM_ARCHIVE}`, `-Xbootclasspath/a:${JAR}`],
              ...jvmFlags(memoryMb),
              ...[RUNNING, REHEARSAL, PIPE],
            ],
          },
    encode: (given) => {
      const entry = entryOf(given);
      const { toolchain, memoryMb, args } = given.context;
      const fresh = [`${toolchain.programs.java}`, ...jvmFlags(memoryMb), entry, ...args];
      return Buffer.concat([
        ...encodeFiles(given.files),
        ...encodeBytes(entry),
        ...encodeTexts(args),
        ...encodeTexts(fresh),
        given.artifact ?? new Uint8Array(),
      ]);
    },
    idleMegabytes: 30,
  };
}

/** A JVM that has javac in it. */
export const warmCompiler: WarmProcessSpec = {
  command: ({ programs }) =>
    programs.prepared === undefined
      ? undefined
      : {
          argv: [
            ...['/bin/sh', '-c'],
            `mkdir .classes && "$@" ${RESULT_DESCRIPTOR}>&- >&2 && exec tar -cf - -C .classes . >&${RESULT_DESCRIPTOR}`,
            ...['sh', `${programs.java}`, `-XX:SharedArchiveFile=${COMPILER_ARCHIVE}`, ...SHORT_LIVED],
            ...['-cp', JAR, COMPILING, `${PREPARED}/WarmUp.java`, `${ROUNDS}`],
          ],
        },
  encode: (given) =>
    Buffer.concat([...encodeFiles(given.files), ...encodeTexts(javacArguments(given.files.map(({ name }) => name)))]),
  idleMegabytes: 95,
};

/** What starts `javac`, but for its arguments: with its classes out of the archive where there is one, in a third of the time less. */
export function javacCommand({ programs }: Toolchain): string[] {
  if (programs.prepared === undefined) return [`${programs.javac}`, ...SHORT_LIVED.map((flag) => `-J${flag}`)];
  // The archive holds for its own class path only, by which `javac` itself does not start.
  return [
    ...[`${programs.java}`, `-XX:SharedArchiveFile=${COMPILER_ARCHIVE}`, ...SHORT_LIVED],
    ...['-cp', JAR, 'com.sun.tools.javac.Main'],
  ];
}

/**
 * Compiles what waits, and has both JVMs write down the classes that they use. Archives hold the paths of what they were made
 * from, so that this is done where the sandbox will see it.
 */
export function buildJvmArchives({ programs }: Toolchain, directory: string): PreparationCommand {
  const sources = join(process.cwd(), 'lib/languages/java/runner');
  const flags = SHORT_LIVED.join(' ');
  const script = [
    `set -e; cd ${PREPARED}`,
    `${programs.javac} -d classes ${SOURCES.join(' ')}`,
    `"$(dirname "$(readlink -f ${programs.javac})")/jar" cf waiting.jar -C classes .`,
    `${programs.javac} -d rehearsed Rehearsal.java && tar -cf rehearsal.tar -C rehearsed . && cat header rehearsal.tar >rehearsal`,
    `chmod 0444 rehearsal`,
    `${programs.java} ${flags} -XX:ArchiveClassesAtExit=${COMPILER_ARCHIVE} -cp ${JAR} ${COMPILING} WarmUp.java ${ROUNDS} only >&2`,
    'mkdir -p work/.classes && cd work',
    `${programs.java} -XX:ArchiveClassesAtExit=${PROGRAM_ARCHIVE} -Xbootclasspath/a:${JAR} ${jvmFlags(64).join(' ')} ${RUNNING} ${REHEARSAL} >&2`,
    'cd .. && rm -rf work classes rehearsed rehearsal.tar header',
  ];
  return {
    argv: [
      ...['/usr/bin/bwrap', '--dev-bind', '/', '/', '--tmpfs', '/opt', '--bind', directory, PREPARED],
      ...['--unshare-net', '--die-with-parent', '/bin/sh', '-c', script.join('\n')],
    ],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: directory, LANG: 'C.UTF-8', TZ: 'UTC' },
    files: [
      ...[...SOURCES, 'Rehearsal.java', 'WarmUp.java'].map((name) => ({
        name,
        content: readFileSync(join(sources, name)),
      })),
      {
        name: 'header',
        content: Buffer.concat([
          encodeLength(0),
          ...encodeBytes('space.chill.runner.Rehearsal'),
          encodeLength(0),
          encodeLength(0),
        ]),
      },
    ],
  };
}

const SOURCES = ['Parts.java', 'Compiling.java', 'Running.java', 'Program.java'];
