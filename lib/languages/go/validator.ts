import { type Diagnostic, utf16Column } from '#lib/languages/diagnostic';
import { goBuildSteps } from '#lib/languages/go/build-steps';
import type { Validator } from '#lib/languages/language';
import { shellQuote } from '#lib/languages/sandbox-interface';

/**
 * Reads `main.go:3:5: …`, whose columns count bytes, with details in indented lines below. Go has
 * no warnings.
 */
export const goValidator: Validator = {
  // Without the linker, no program is made.
  command: ({ toolchain, files }) => ({ argv: joinSteps(goBuildSteps(toolchain, files, false)) }),
  parse: ({ stdout, stderr }, source) => {
    const found: Diagnostic[] = [];
    for (const text of `${stdout}\n${stderr}`.split('\n')) {
      const match = /^((?:[^\s:][^:]*)?\.go|<[^>]+>):(?:(\d+):(?:(\d+):)?)? (.*)$/.exec(text);
      const last = found.at(-1);
      if (match !== null) {
        const [, file = '', reportedLine = '1', reportedColumn = '1', reported = ''] = match;
        const isElsewhere = file.endsWith('.go') && file !== 'main.go';
        const line = isElsewhere ? 1 : Number(reportedLine);
        const column = isElsewhere ? 1 : utf16Column(source, line, Number(reportedColumn), 'utf8');
        const message = isElsewhere ? `${file}:${reportedLine}: ${withoutFile(reported)}` : withoutFile(reported);
        found.push({ severity: 'error', line, column, message });
      } else if (last !== undefined && text.startsWith('\t')) last.message += `\n${text}`;
    }
    return found;
  },
};

/** Replaces the compiler's file name of a missing package, which means nothing to a reader. */
function withoutFile(message: string): string {
  return message.replace(/^(could not import .+?) \(.*\)$/, '$1: only the standard library is there');
}

function joinSteps(steps: readonly string[][]): string[] {
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return only;
  return ['/bin/sh', '-c', steps.map((step) => step.map(shellQuote).join(' ')).join(' && ')];
}
