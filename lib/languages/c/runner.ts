import { info } from '#lib/languages/c/info';
import { buildLineOutput, C_LINE_OUTPUT, lineOutput, lineOutputFiles } from '#lib/languages/c/line-output';
import { C_FLAGS, cValidator } from '#lib/languages/c/validator';
import type { Language } from '#lib/languages/language';
import { PROGRAM } from '#lib/languages/sandbox-interface';

const COMPILERS = ['/usr/bin/gcc', '/usr/bin/cc'];

export const c: Language = {
  ...info,
  mainFileName: () => info.mainFile,
  findToolchain: ({ exists }) => {
    const compiler = COMPILERS.find(exists);
    if (compiler === undefined || !exists('/usr/include/stdio.h')) return undefined;
    return { binds: [{ from: '/usr/include' }], programs: { compiler } };
  },
  version: { command: ({ programs }) => [`${programs.compiler}`, '--version'], pattern: /\) (\d\S*)/ },
  installHint: 'Install a C compiler: apt-get install gcc libc6-dev.',
  prepare: {
    isNeeded: false,
    make: ({ programs }, directory) => {
      const output = outputSpec(`${programs.compiler}`);
      const script = `set -e; cd "$1"; shift; ${buildLineOutput(output)}`;
      return {
        argv: ['/bin/sh', '-c', script, 'sh', directory, ...output.compile],
        env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
        files: lineOutputFiles(output),
      };
    },
  },
  compile: ({ toolchain: { programs }, files }) => {
    const { steps, linked } = lineOutput(programs.prepared, outputSpec(`${programs.compiler}`));
    const sources = files.map(({ name }) => name).filter((name) => name.endsWith('.c'));
    return {
      steps: [
        ...steps,
        [
          ...[`${programs.compiler}`, ...C_FLAGS],
          ...['-pipe', '-fmax-errors=20', '-fdiagnostics-color=never', '-o', 'program'],
          ...[...sources, ...linked, '-lm'],
        ],
      ],
      output: 'program',
    };
  },
  nativeBinds: () => [],
  run: ({ args }) => ({ argv: [PROGRAM, ...args], binds: [] }),
  validate: cValidator,
  helloProgram:
    '#include <stdio.h>\n#include <string.h>\n\nint main(void) {\n    char name[100] = "";\n    if (fgets(name, sizeof name, stdin)) name[strcspn(name, "\\n")] = 0;\n    printf("Hello, %s!\\n", *name ? name : "world");\n}\n',
};

function outputSpec(compiler: string) {
  return { compile: [compiler, ...C_FLAGS], sources: [C_LINE_OUTPUT] };
}
