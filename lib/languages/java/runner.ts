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
  id: 'java',
  name: 'Java',
  aliases: [],
  mainFileName: (code) => readJavaOutline(code).fileName,
  extension: '.java',
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
      [...javacCommand(toolchain), ...javacArguments(files.map(({ name }) => name))],
      ['/bin/tar', '-cf', 'classes.tar', '-C', '.classes', '.'],
    ],
    output: 'classes.tar',
  }),
  run: ({ toolchain, files, args, memoryMb }) => ({
    argv: [
      ...['/bin/sh', '-c', 'mkdir .classes && tar -xf /program -C .classes && exec "$@"', 'sh'],
      ...[`${toolchain.programs.java}`, ...jvmFlags(memoryMb), entry(files), ...args],
    ],
  }),
  warm: warmRunner(({ context }) => entry(context.files)),
  warmCompiler: warmCompiler,
  validate: javaValidator,
  helloProgram:
    'import java.util.Scanner;\n\npublic class Hello {\n    public static void main(String[] args) {\n        Scanner in = new Scanner(System.in);\n        String name = in.hasNextLine() ? in.nextLine() : "world";\n        System.out.println("Hello, " + name + "!");\n    }\n}\n',
};

/**
 * The class to start: one with `public static void main(String[])`, the main file's before those of
 * others. Without any, the JVM says best what is wrong, or starts what newer versions start.
 */
function entry(files: readonly SourceFile[]): string {
  const sources = files.filter(({ name }) => name.endsWith('.java')).map(({ text }) => readJavaOutline(text));
  const first = (find: (source: JavaOutline) => string | undefined) =>
    sources.map(find).find((name) => name !== undefined);
  return (
    first(({ mainClass }) => mainClass) ??
    first(({ otherMain }) => otherMain) ??
    sources[0]?.fileName.replace(/\.java$/, '') ??
    'Main'
  );
}
