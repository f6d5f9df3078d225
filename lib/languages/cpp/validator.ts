import { CODEGEN_FLAGS, precompiledArguments } from '#lib/languages/cpp/precompiled-headers';
import { type Diagnostic, utf16Column, type Validator } from '#lib/languages/diagnostic';

/** `main.cpp:3:5: error: …`, columns in bytes, after lines that tell how the compiler came there. */
export const cppValidator: Validator = {
  command: ({ toolchain: { programs }, files }) => ({
    argv: [
      `${programs.compiler}`,
      ...CODEGEN_FLAGS,
      ...['-fsyntax-only', '-Wall', '-Wextra', '-fmax-errors=100'],
      ...precompiledArguments(programs.prepared, files[0]?.text ?? ''),
      // The text, since g++'s JSON does not say from where in the program a template was used.
      ...['-fdiagnostics-plain-output', '-fdiagnostics-column-unit=byte', 'main.cpp'],
    ],
  }),
  parse: ({ stderr }, source) => {
    const found: Diagnostic[] = [];
    /** Where the program comes to what a header complains of: the use of a template, or the `#include`. */
    let used: { line: number; column: number } | undefined;
    let included: { line: number; column: number } | undefined;
    for (const text of stderr.split('\n')) {
      if (text.startsWith('In file included from ')) [used, included] = [undefined, undefined];
      else if (/^[^:]+: In /.test(text)) used = undefined;
      const from = /(?:^|from )main\.cpp:(\d+)(?::(\d+))?(?::\s+required |[:,]$)/.exec(text);
      if (from !== null) {
        const line = Number(from[1]);
        const place = { line, column: utf16Column(source, line, Number(from[2] ?? 1), 'utf8') };
        if (text.includes('required ')) used = place;
        else included = place;
        continue;
      }
      const match = /^([^:]+):(?:(\d+):(?:(\d+):)?)? (fatal error|error|internal compiler error|warning): (.*)$/.exec(
        text,
      );
      if (match === null) continue;
      const [, file, at, column, kind, message] = match;
      const line = Number(at ?? 1);
      const here = { line, column: utf16Column(source, line, Number(column ?? 1), 'utf8') };
      found.push({
        severity: kind === 'warning' ? 'warning' : 'error',
        ...(file === 'main.cpp' ? here : (used ?? included ?? { line: 1, column: 1 })),
        message: `${message}`,
      });
    }
    return found;
  },
};
