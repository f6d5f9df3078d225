import { FLAGS, PRECOMPILED, precompiledArguments, setName } from '#lib/runner/languages/cpp-headers';
import { outputFiles, outputParts, PREPARE_OUTPUT } from '#lib/runner/languages/cpp-output';
import type { Language } from '#lib/runner/languages/language';
import { PROGRAM } from '#lib/runner/sandbox/sandbox';
import { cppValidator } from '#lib/runner/validators/cpp';

const COMPILERS = ['/usr/bin/g++', '/usr/bin/c++'];
const MOLD = '/usr/bin/mold';
const SETS = PRECOMPILED.map((headers) => `${setName(headers)}.h`).join(' ');

export const cpp: Language = {
  id: 'cpp',
  name: 'C++',
  aliases: ['c++', 'cxx', 'cplusplus', 'g++'],
  mainFile: () => 'main.cpp',
  extension: '.cpp',
  find: ({ exists }) => {
    const compiler = COMPILERS.find(exists);
    if (compiler === undefined || !exists('/usr/include')) return undefined;
    const linker = exists(MOLD) ? { mold: MOLD } : {};
    return { binds: [{ from: '/usr/include' }], programs: { compiler, ...linker } };
  },
  version: { command: ({ programs }) => [`${programs.compiler}`, '--version'], pattern: /\) (\d\S*)/ },
  install: 'Install a C++ compiler: apt-get install g++ mold.',
  prepare: {
    isNeeded: false,
    make: ({ programs }, directory) => ({
      argv: [
        ...[
          '/bin/sh',
          '-c',
          `set -e; cd "$1"; shift; ${PREPARE_OUTPUT}; for set in ${SETS}; do "$@" -x c++-header "$set" -o "$set.gch"; done`,
        ],
        ...['sh', directory, `${programs.compiler}`, ...FLAGS],
      ],
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      files: [
        ...PRECOMPILED.map((headers) => ({
          name: `${setName(headers)}.h`,
          content: Buffer.from(headers.map((header) => `#include <${header}>\n`).join('')),
        })),
        ...outputFiles(),
      ],
    }),
  },
  compile: ({ toolchain: { programs }, files }) => {
    const sources = files.filter(({ name }) => /\.(cpp|cc|cxx|c\+\+)$/.test(name));
    // What is included for one file would be included for all.
    const [source, another] = sources;
    const isAlone = source !== undefined && another === undefined;
    const texts = files.map(({ text }) => text);
    const { steps, linked } = outputParts(programs.prepared, `${programs.compiler}`, texts);
    return {
      steps: [
        ...steps,
        [
          `${programs.compiler}`,
          ...FLAGS,
          ...['-pipe', '-fmax-errors=20', '-fdiagnostics-color=never', '-o', 'program'],
          ...(isAlone ? precompiledArguments(programs.prepared, source.text) : []),
          ...(programs.mold === undefined ? [] : ['-fuse-ld=mold']),
          ...sources.map(({ name }) => name),
          ...linked,
        ],
      ],
      output: 'program',
    };
  },
  native: () => [],
  run: ({ args }) => ({ argv: [PROGRAM, ...args], binds: [] }),
  validate: cppValidator,
  sample:
    '#include <iostream>\n#include <string>\n\nint main() {\n  std::string name;\n  if (!std::getline(std::cin, name)) name = "world";\n  std::cout << "Hello, " << name << "!\\n";\n}\n',
};
