import { GCC_DIAGNOSTIC_FLAGS, parseGccDiagnostics } from '#lib/languages/c/gcc-diagnostics';
import { info } from '#lib/languages/cpp/info';
import { CODEGEN_FLAGS, precompiledArguments } from '#lib/languages/cpp/precompiled-headers';
import type { Validator } from '#lib/languages/language';

export const cppValidator: Validator = {
  command: ({ toolchain: { programs }, files }) => ({
    argv: [
      `${programs.compiler}`,
      ...CODEGEN_FLAGS,
      ...['-fsyntax-only', '-Wall', '-Wextra', '-fmax-errors=100'],
      ...precompiledArguments(programs.prepared, files[0]?.text ?? ''),
      ...[...GCC_DIAGNOSTIC_FLAGS, info.mainFile],
    ],
  }),
  parse: parseGccDiagnostics(info.mainFile),
};
