import type { Language } from '#lib/runner/languages/language';
import { PROGRAM } from '#lib/runner/sandbox/sandbox';
import { cppValidator } from '#lib/runner/validators/cpp';

const COMPILERS = ['/usr/bin/g++', '/usr/bin/c++'];
const MOLD = '/usr/bin/mold';

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
  compile: ({ toolchain: { programs }, files }) => ({
    steps: [
      [
        `${programs.compiler}`,
        ...['-std=gnu++20', '-O1', '-pipe', '-fmax-errors=20', '-fdiagnostics-color=never', '-o', 'program'],
        ...(programs.mold === undefined ? [] : ['-fuse-ld=mold']),
        ...files.map(({ name }) => name).filter((name) => /\.(cpp|cc|cxx|c\+\+)$/.test(name)),
      ],
    ],
    output: 'program',
  }),
  isNative: true,
  run: ({ args }) => ({ argv: [PROGRAM, ...args], binds: [] }),
  validate: cppValidator,
  sample:
    '#include <iostream>\n#include <string>\n\nint main() {\n  std::string name;\n  if (!std::getline(std::cin, name)) name = "world";\n  std::cout << "Hello, " << name << "!\\n";\n}\n',
};
