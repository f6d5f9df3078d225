import { type Diagnostic, utf16Column, type Validator } from '#lib/languages/diagnostic';
import { goBuildSteps } from '#lib/languages/go/build-steps';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';

/** `main.go:3:5: …`, columns in bytes, with more of the message in indented lines below. Go has no warnings: it refuses. */
export const goValidator: Validator = {
  // As a run does it, but for the linker: without that there is no program.
  command: ({ toolchain, files }) => ({ argv: oneAfterTheOther(goBuildSteps(toolchain, files, false)) }),
  parse: ({ stdout, stderr }, source) => {
    const found: Diagnostic[] = [];
    for (const text of `${stdout}\n${stderr}`.split('\n')) {
      const match = /^((?:[^\s:][^:]*)?\.go|<[^>]+>):(?:(\d+):(?:(\d+):)?)? (.*)$/.exec(text);
      const last = found.at(-1);
      if (match !== null) {
        const [, file = '', givenLine = '1', givenColumn = '1', said = ''] = match;
        const isElsewhere = file.endsWith('.go') && file !== 'main.go';
        const line = isElsewhere ? 1 : Number(givenLine);
        const column = isElsewhere ? 1 : utf16Column(source, line, Number(givenColumn), 'utf8');
        const message = isElsewhere ? `${file}:${givenLine}: ${plain(said)}` : plain(said);
        found.push({ severity: 'error', line, column, message });
      } else if (last !== undefined && text.startsWith('\t')) last.message += `\n${text}`;
    }
    return found;
  },
};

/** The compiler speaks of the file that it looked for, which says nothing to who wrote the program. */
function plain(message: string): string {
  return message.replace(/^(could not import .+?) \(.*\)$/, '$1: only the standard library is there');
}

function oneAfterTheOther(steps: readonly string[][]): string[] {
  const [only] = steps;
  if (steps.length === 1 && only !== undefined) return only;
  return ['/bin/sh', '-c', steps.map((step) => step.map(shellQuote).join(' ')).join(' && ')];
}
