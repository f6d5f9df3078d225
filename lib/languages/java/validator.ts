import { type Diagnostic, severityOf } from '#lib/languages/diagnostic';
import { javacCommand } from '#lib/languages/java/warm';
import type { Validator } from '#lib/languages/language';

/** Reads `Main.java:3: error: …`, the program's line, a caret below the place, and details. */
export const javaValidator: Validator = {
  command: ({ toolchain, files }) => ({
    argv: [
      ...javacCommand(toolchain),
      ...['-encoding', 'UTF-8', '-proc:none', '-Xlint:all', '-Xmaxerrs', '100', '-Xmaxwarns', '100', '-d', '.'],
      // Analyses everything, also after errors, and makes no code.
      ...['--should-stop=ifError=FLOW', '--should-stop=ifNoError=FLOW'],
      ...files.map(({ name }) => name),
    ],
  }),
  parse: ({ stderr }) => {
    const found: Diagnostic[] = [];
    const lines = stderr.split('\n');
    let index = 0;
    while (index < lines.length) {
      const match = /^(?:[^\s:]+\.java:(\d+): )?(error|warning): (.*)$/.exec(lines[index] ?? '');
      index += 1;
      if (match === null) continue;
      const [, line, word, summary] = match;
      const body: string[] = [];
      while (index < lines.length && !ENDS.test(lines[index] ?? '')) {
        body.push(lines[index] ?? '');
        index += 1;
      }
      const caret = line === undefined ? -1 : body.findIndex((text) => /^\s*\^$/.test(text));
      // The line of the program stands above the caret.
      const details = body.filter((_, at) => at !== caret && at !== caret - 1);
      found.push({
        severity: severityOf(word),
        line: Number(line ?? 1),
        column: caret < 0 ? 1 : (body[caret]?.length ?? 1),
        message: [summary, ...details].join('\n').trimEnd(),
      });
    }
    return found;
  },
};

/** Begins the next diagnostic, a note, or the count at the end. */
const ENDS = /^(?:[^\s:]+\.java:\d+: (?:error|warning): |(?:error|warning): |Note: |\d+ (?:error|warning)s?$)/;
