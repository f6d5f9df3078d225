import { type JavaSource, readJavaSource } from '#lib/runner/languages/java-source';
import {
  compilerArguments,
  compilerCommand,
  prepareJava,
  programFlags,
  waitingCompiler,
  waitingProgram,
} from '#lib/runner/languages/java-waiting';
import type { Language, SourceFile } from '#lib/runner/languages/language';
import { javaValidator } from '#lib/runner/validators/java';

export const java: Language = {
  id: 'java',
  name: 'Java',
  aliases: [],
  mainFile: (code) => readJavaSource(code).fileName,
  extension: '.java',
  find: ({ exists, list }) => {
    if (!exists('/usr/bin/javac') || !exists('/usr/bin/java')) return undefined;
    const settings = list('/etc').filter((name) => /^java(-|$)/.test(name));
    return {
      binds: settings.map((name) => ({ from: `/etc/${name}` })),
      programs: { javac: '/usr/bin/javac', java: '/usr/bin/java' },
    };
  },
  version: { command: ({ programs }) => [`${programs.javac}`, '-version'], pattern: /javac (\S+)/ },
  install: 'Install a Java development kit: apt-get install default-jdk-headless.',
  prepare: { make: prepareJava, isNeeded: false },
  compile: ({ toolchain, files }) => ({
    steps: [
      [...compilerCommand(toolchain), ...compilerArguments(files.map(({ name }) => name))],
      ['/bin/tar', '-cf', 'classes.tar', '-C', '.classes', '.'],
    ],
    output: 'classes.tar',
  }),
  run: ({ toolchain, files, args, memoryMb }) => ({
    argv: [
      ...['/bin/sh', '-c', 'mkdir .classes && tar -xf /program -C .classes && exec "$@"', 'sh'],
      ...[`${toolchain.programs.java}`, ...programFlags(memoryMb), entry(files), ...args],
    ],
  }),
  warm: waitingProgram(({ context }) => entry(context.files)),
  warmCompiler: waitingCompiler,
  validate: javaValidator,
  sample:
    'import java.util.Scanner;\n\npublic class Hello {\n    public static void main(String[] args) {\n        Scanner in = new Scanner(System.in);\n        String name = in.hasNextLine() ? in.nextLine() : "world";\n        System.out.println("Hello, " + name + "!");\n    }\n}\n',
};

/**
 * The class to start: one with `public static void main(String[])`, the main file's before those of
 * others. Without any, the JVM says best what is wrong, or starts what newer versions start.
 */
function entry(files: readonly SourceFile[]): string {
  const sources = files.filter(({ name }) => name.endsWith('.java')).map(({ text }) => readJavaSource(text));
  const first = (find: (source: JavaSource) => string | undefined) =>
    sources.map(find).find((name) => name !== undefined);
  return (
    first(({ mainClass }) => mainClass) ??
    first(({ otherMain }) => otherMain) ??
    sources[0]?.fileName.replace(/\.java$/, '') ??
    'Main'
  );
}
