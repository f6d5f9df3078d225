import { readJavaSource } from '#lib/runner/languages/java-source';
import type { Language, SourceFile } from '#lib/runner/languages/language';
import { javaValidator } from '#lib/runner/validators/java';

/** A JVM that lives for a moment: the quick compiler, the small collector, no files in /tmp. */
const SHORT_LIVED = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto'];
/** The heap may take all of the program's memory: with what the JVM itself needs, the bound outside answers first. */
const HEAP_SHARE = 1;

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
  compile: ({ toolchain: { programs }, files }) => ({
    steps: [
      [
        `${programs.javac}`,
        ...SHORT_LIVED.map((flag) => `-J${flag}`),
        // Annotation processors are programs of the source's author; they have no business in a compiler.
        ...['-encoding', 'UTF-8', '-proc:none', '-d', '.classes'],
        ...files.map(({ name }) => name).filter((name) => name.endsWith('.java')),
      ],
      ['/bin/tar', '-cf', 'classes.tar', '-C', '.classes', '.'],
    ],
    output: 'classes.tar',
  }),
  run: ({ toolchain: { programs }, files, args, memoryMb }) => ({
    argv: [
      '/bin/sh',
      '-c',
      'mkdir .classes && tar -xf /program -C .classes && exec "$@"',
      'sh',
      `${programs.java}`,
      ...SHORT_LIVED,
      `-Xmx${Math.floor(memoryMb * HEAP_SHARE)}m`,
      ...['-Xms8m', '-XX:ReservedCodeCacheSize=24m', '-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8'],
      ...['-cp', '.classes:.', entry(files), ...args],
    ],
  }),
  validate: javaValidator,
  sample:
    'import java.util.Scanner;\n\npublic class Hello {\n    public static void main(String[] args) {\n        Scanner in = new Scanner(System.in);\n        String name = in.hasNextLine() ? in.nextLine() : "world";\n        System.out.println("Hello, " + name + "!");\n    }\n}\n',
};

/** The class that has `main`, the main file's own before others'; without any, the JVM says so best. */
function entry(files: readonly SourceFile[]): string {
  const sources = files.filter(({ name }) => name.endsWith('.java')).map(({ text }) => readJavaSource(text));
  const found = sources.find(({ mainClass }) => mainClass !== undefined)?.mainClass;
  return found ?? sources[0]?.fileName.replace(/\.java$/, '') ?? 'Main';
}
