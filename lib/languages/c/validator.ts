import { GCC_DIAGNOSTIC_FLAGS, parseGccDiagnostics } from '#lib/languages/c/gcc-diagnostics';
import { info } from '#lib/languages/c/info';
import type { Validator } from '#lib/languages/language';

/** Flags that decide what a program means. */
export const C_FLAGS: readonly string[] = ['-std=gnu17', '-O1'];

export const cValidator: Validator = {
  command: ({ toolchain: { programs } }) => ({
    argv: [
      `${programs.compiler}`,
      ...C_FLAGS,
      ...['-fsyntax-only', '-Wall', '-Wextra', '-fmax-errors=100', ...GCC_DIAGNOSTIC_FLAGS, info.mainFile],
    ],
  }),
  parse: parseGccDiagnostics(info.mainFile),
};
