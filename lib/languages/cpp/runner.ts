import {
  buildLineOutput,
  C_LINE_OUTPUT,
  type LineOutput,
  lineOutput,
  lineOutputFiles,
} from '#lib/languages/c/line-output';
import { info } from '#lib/languages/cpp/info';
import { CODEGEN_FLAGS, PRECOMPILED, precompiledArguments, setName } from '#lib/languages/cpp/precompiled-headers';
import { cppValidator } from '#lib/languages/cpp/validator';
import type { Language } from '#lib/languages/language';
import { PROGRAM } from '#lib/languages/sandbox-interface';

const COMPILERS = ['/usr/bin/g++', '/usr/bin/c++'];
const MOLD = '/usr/bin/mold';
const SETS = PRECOMPILED.map((headers) => `${setName(headers)}.h`).join(' ');

export const cpp: Language = {
  ...info,
  mainFileName: () => info.mainFile,
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
    make: ({ programs }, directory) => {
      const output = outputSpec(`${programs.compiler}`, true);
      const headers = `for set in ${SETS}; do "$@" -x c++-header "$set" -o "$set.gch"; done`;
      const script = `set -e; cd "$1"; shift; ${buildLineOutput(output)}; ${headers}`;
      return {
        argv: ['/bin/sh', '-c', script, 'sh', directory, ...output.compile],
        env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' },
        files: [
          ...PRECOMPILED.map((set) => ({
            name: `${setName(set)}.h`,
            content: Buffer.from(set.map((header) => `#include <${header}>\n`).join('')),
          })),
          ...lineOutputFiles(output),
        ],
      };
    },
  },
  compile: ({ toolchain: { programs }, files }) => {
    const sources = files.filter(({ name }) => /\.(cpp|cc|cxx|c\+\+)$/.test(name));
    // `-include` would hold for all source files of the command.
    const [source, another] = sources;
    const isAlone = source !== undefined && another === undefined;
    const texts = files.map(({ text }) => text);
    const { steps, linked } = cppLineOutput(programs.prepared, `${programs.compiler}`, texts);
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

/** A program gives the C++ streams their own buffers by calling this. */
const SEPARATES_STREAMS = 'sync_with_stdio';
const WRAP_SEPARATION = '-Wl,--wrap=_ZNSt8ios_base15sync_with_stdioEb';

function cppLineOutput(prepared: string | undefined, compiler: string, texts: readonly string[]): LineOutput {
  const hasStreams = texts.some((text) => text.includes(SEPARATES_STREAMS));
  const { steps, linked } = lineOutput(prepared, outputSpec(compiler, hasStreams));
  return { steps, linked: hasStreams ? [...linked, WRAP_SEPARATION] : linked };
}

function outputSpec(compiler: string, hasStreams: boolean) {
  const streams = hasStreams ? ['cpp/output/streams.cpp'] : [];
  return { compile: [compiler, ...CODEGEN_FLAGS], sources: [C_LINE_OUTPUT, ...streams] };
}
