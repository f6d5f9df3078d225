import { z } from 'zod';
import { type Diagnostic, severityOf, utf16Column } from '#lib/languages/diagnostic';
import type { Validator } from '#lib/languages/language';

const MAIN = 'main.rs';

const spanSchema = z.object({
  file_name: z.string(),
  line_start: z.number(),
  column_start: z.number(),
  is_primary: z.boolean(),
  label: z.string().nullable(),
  /**
   * The call of the macro that has the span. It is parsed a step at a time, as macros nest deeply.
   */
  expansion: z.object({ span: z.unknown() }).nullable(),
});
type RustcSpan = z.infer<typeof spanSchema>;

/** The part of rustc's JSON that is used. Columns count code points. */
const messageSchema = z.object({
  message: z.string(),
  code: z.object({ code: z.string() }).nullable(),
  level: z.string(),
  spans: z.array(spanSchema),
});

export const rustValidator: Validator = {
  command: ({ toolchain: { programs } }) => ({
    argv: [
      `${programs.rustc}`,
      ...['--edition', '2021', '--crate-name', 'main', '--emit=metadata', '--error-format=json', '-o', 'main.rmeta'],
      MAIN,
    ],
  }),
  parse: ({ stderr }, source) =>
    stderr
      .split('\n')
      .filter((text) => text.startsWith('{') && text.endsWith('}'))
      .map((text) => messageSchema.parse(JSON.parse(text)))
      .filter(({ level, message }) => /^(?:error|warning)/.test(level) && !COUNTS.test(message))
      .map(({ level, message, code, spans }): Diagnostic => {
        const shown = spans.map(({ is_primary, ...span }) => ({ is_primary, ...inProgram(span) }));
        const best = shown.find(({ is_primary, isHere }) => is_primary && isHere) ?? shown.find(({ isHere }) => isHere);
        const label = spans.find((span) => span.is_primary && span.label !== null && span.label !== '')?.label;
        const line = best?.line ?? 1;
        const named = code !== null && /^E\d+$/.test(code.code) ? `${message} [${code.code}]` : message;
        return {
          severity: severityOf(level),
          line,
          column: utf16Column(source, line, best?.column ?? 1, 'code-point'),
          message: label == null || message.includes(label) ? named : `${named}: ${label}`,
        };
      }),
};

/** The summary at the end of a failed compilation. */
const COUNTS = /^aborting due to |^\d+ warnings? emitted/;

/**
 * The place in the program itself. A span inside a macro of the standard library is at the call of
 * it.
 */
function inProgram(span: Omit<RustcSpan, 'is_primary'>): { line: number; column: number; isHere: boolean } {
  let here = span;
  while (here.file_name !== MAIN && here.expansion !== null) here = spanSchema.parse(here.expansion.span);
  return { line: here.line_start, column: here.column_start, isHere: here.file_name === MAIN };
}
