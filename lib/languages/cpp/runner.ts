import { BUILD_LINE_OUTPUT, lineOutput, lineOutputFiles } from '#lib/languages/cpp/line-output';
import { CODEGEN_FLAGS, PRECOMPILED, precompiledArguments, setName } from '#lib/languages/cpp/precompiled-headers';
import { cppValidator } from '#lib/languages/cpp/validator';
import type { Language } from '#lib/languages/language';
import { PROGRAM } from '#lib/runner/sandbox/sandbox';

const COMPILERS = ['/usr/bin/g++', '/usr/bin/c++'];
const MOLD = '/usr/bin/mold';
const SETS = PRECOMPILED.map((headers) => `${setName(headers)}.h`).join(' ');

export const cpp: Language = {
  id: 'cpp',
  name: 'C++',
  aliases: ['c++', 'cxx', 'cplusplus', 'g++'],
  mainFileName: () => 'main.cpp',
  extension: '.cpp',
  findToolchain: ({ exists }) => {
    const compiler = COMPILERS.find(exists);
    if (compiler === undefined || !exists('/usr/include')) return undefined;
    const linker = exists(MOLD) ? { mold: MOLD } : {};
    return { binds: [{ from: '/usr/include' }], programs: { compiler, ...linker } };
  },
  version: { command: ({ programs }) => [`${programs.compiler}`, '--version'], pattern: /\) (\d\S*)/ },
  installHint: 'Install a C++ compiler: apt-get install g++ mold.',
  prepare: {
    isNeeded: false,
    make: ({ programs }, directory) => ({
      argv: [
        ...[
          '/bin/sh',
          '-c',
          `set -e; cd "$1"; shift; ${BUILD_LINE_OUTPUT}; for set in ${SETS}; do "$@" -x c++-header "$set" -o "$set.gch"; done`,
        ],
        ...['sh', directory, `${programs.compiler}`, ...CODEGEN_FLAGS],
      ],
      env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
      files: [
        ...PRECOMPILED.map((headers) => ({
          name: `${setName(headers)}.h`,
          content: Buffer.from(headers.map((header) => `#include <${header}>\n`).join('')),
        })),
        ...lineOutputFiles(),
      ],
    }),
  },
  compile: ({ toolchain: { programs }, files }) => {
    const sources = files.filter(({ name }) => /\.(cpp|cc|cxx|c\+\+)$/.test(name));
    // What is included for one file would be included for all.
    const [source, another] = sources;
    const isAlone = source !== undefined && another === undefined;
    const texts = files.map(({ text }) => text);
    const { steps, linked } = lineOutput(programs.prepared, `${programs.compiler}`, texts);
    return {
      steps: [
        ...steps,
        [
          `${programs.compiler}`,
          ...CODEGEN_FLAGS,
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
  nativeBinds: () => [],
  run: ({ args }) => ({ argv: [PROGRAM, ...args], binds: [] }),
  validate: cppValidator,
  helloProgram:
    '#include <iostream>\n#include <string>\n\nint main() {\n  std::string name;\n  if (!std::getline(std::cin, name)) name = "world";\n  std::cout << "Hello, " << name << "!\\n";\n}\n',
};
