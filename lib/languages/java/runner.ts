import { info } from '#lib/languages/java/info';
import { type JavaOutline, readJavaOutline } from '#lib/languages/java/source-outline';
import { javaValidator } from '#lib/languages/java/validator';
import {
  buildJvmArchives,
  javacArguments,
  javacCommand,
  jvmFlags,
  warmCompiler,
  warmRunner,
} from '#lib/languages/java/warm';
import type { Language, SourceFile } from '#lib/languages/language';

export const java: Language = {
  ...info,
  mainFileName: (code) => readJavaOutline(code).fileName,
  findToolchain: ({ exists, list }) => {
    if (!exists('/usr/bin/javac') || !exists('/usr/bin/java')) return undefined;
    const settings = list('/etc').filter((name) => /^java(-|$)/.test(name));
    return {
      binds: settings.map((name) => ({ from: `/etc/${name}` })),
      programs: { javac: '/usr/bin/javac', java: '/usr/bin/java' },
    };
  },
  version: { command: ({ programs }) => [`${programs.javac}`, '-version'], pattern: /javac (\S+)/ },
  installHint: 'Install a Java development kit: apt-get install default-jdk-headless.',
  prepare: { make: buildJvmArchives, isNeeded: false },
  compile: ({ toolchain, files }) => ({
    steps: [
      // A source without a class leaves none.
      ['/bin/mkdir', '.classes'],
      [...javacCommand(toolchain), ...javacArguments(files.map(({ name }) => name))],
      ['/bin/tar', '-cf', 'classes.tar', '-C', '.classes', '.'],
    ],
    output: 'classes.tar',
  }),
  run: ({ toolchain, files, args, memoryMb }) => ({
    argv: [
      ...['/bin/sh', '-c', 'mkdir .classes && tar -xf /program -C .classes && exec "$@"', 'sh'],
      ...[`${toolchain.programs.java}`, ...jvmFlags(memoryMb), mainClass(files), ...args],
    ],
  }),
  warm: warmRunner(({ context }) => mainClass(context.files)),
  warmCompiler,
  validate: javaValidator,
  helloProgram:
    'import java.util.Scanner;\n\npublic class Hello {\n    public static void main(String[] args) {\n        Scanner in = new Scanner(System.in);\n        String name = in.hasNextLine() ? in.nextLine() : "world";\n        System.out.println("Hello, " + name + "!");\n    }\n}\n',
};

/**
 * The class to start: one with `public static void main(String[])`, if possible of the main file.
 * Without one, the JVM reports best what is wrong, or starts another form of `main`.
 */
function mainClass(files: readonly SourceFile[]): string {
  const sources = files.filter(({ name }) => name.endsWith('.java')).map(({ text }) => readJavaOutline(text));
  const first = (nameIn: (source: JavaOutline) => string | undefined) =>
    sources.map(nameIn).find((name) => name !== undefined);
  return (
    first((source) => source.mainClass) ??
    first((source) => source.otherMain) ??
    sources[0]?.fileName.replace(/\.java$/, '') ??
    'Main'
  );
}
