import { type Diagnostic, severityOf, type ToolOutput, utf16Column } from '#lib/languages/diagnostic';

/**
 * Flags for output that `parseGccDiagnostics` reads. It is text: GCC's JSON does not say where the
 * program uses a template that fails in a header.
 */
export const GCC_DIAGNOSTIC_FLAGS: readonly string[] = ['-fdiagnostics-plain-output', '-fdiagnostics-column-unit=byte'];

/**
 * Reads `main.c:3:5: error: …`, whose columns count bytes. Lines before it say how the compiler
 * came there: a finding in a header is placed where the program uses the template or includes it.
 * Pure.
 */
export function parseGccDiagnostics(mainFile: string): (output: ToolOutput, source: string) => Diagnostic[] {
  const name = mainFile.replaceAll('.', '\\.');
  const cameFrom = new RegExp(`(?:^|from )${name}:(\\d+)(?::(\\d+))?(?::\\s+required |[:,]$)`);
  return ({ stderr }, source) => {
    const found: Diagnostic[] = [];
    let used: { line: number; column: number } | undefined;
    let included: { line: number; column: number } | undefined;
    for (const text of stderr.split('\n')) {
      if (text.startsWith('In file included from ')) [used, included] = [undefined, undefined];
      else if (/^[^:]+: In /.test(text)) used = undefined;
      const from = cameFrom.exec(text);
      if (from !== null) {
        const line = Number(from[1]);
        const place = { line, column: utf16Column(source, line, Number(from[2] ?? 1), 'utf8') };
        if (text.includes('required ')) used = place;
        else included = place;
        continue;
      }
      const match = FINDING.exec(text);
      if (match === null) continue;
      const [, file, at, column, word, message] = match;
      const line = Number(at ?? 1);
      const here = { line, column: utf16Column(source, line, Number(column ?? 1), 'utf8') };
      found.push({
        severity: severityOf(word),
        ...(file === mainFile ? here : (used ?? included ?? { line: 1, column: 1 })),
        message: `${message}`,
      });
    }
    return found;
  };
}

const FINDING = /^([^:]+):(?:(\d+):(?:(\d+):)?)? (fatal error|error|internal compiler error|warning): (.*)$/;
