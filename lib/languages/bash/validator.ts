import { info } from '#lib/languages/bash/info';
import { type Diagnostic, severityOf } from '#lib/languages/diagnostic';
import type { Validator } from '#lib/languages/language';

/**
 * Reads `main.sh: line 3: syntax error near unexpected token …`, which has no column. The line
 * after it repeats the program's text between a backquote and a quote.
 */
export const bashValidator: Validator = {
  command: ({ toolchain: { programs } }) => ({ argv: [`${programs.bash}`, '-n', info.mainFile] }),
  parse: ({ stderr }) =>
    stderr.split('\n').flatMap((text): Diagnostic[] => {
      const match = /^main\.sh: line (\d+): (?:(warning): )?(.*)$/.exec(text);
      if (match === null) return [];
      const [, line, word = 'error', message = ''] = match;
      if (/^`.*'$/.test(message)) return [];
      return [{ severity: severityOf(word), line: Number(line), column: 1, message }];
    }),
};
