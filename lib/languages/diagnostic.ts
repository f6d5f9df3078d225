/** A place in the program, and what a compiler says about it. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units, as editors and JavaScript count. */
  column: number;
  message: string;
}

/** The output of a compiler or a checker. */
export interface ToolOutput {
  stdout: string;
  stderr: string;
}

/** Makes the severity of a compiler's word: everything but a warning is an error. Pure. */
export function severityOf(word: string | undefined): Diagnostic['severity'] {
  return word === 'warning' ? 'warning' : 'error';
}

export type ColumnUnit = 'utf8' | 'code-point';

/**
 * Converts a column that a compiler counts in bytes or code points to UTF-16 units. Both count
 * from
 * 1. Pure.
 */
export function utf16Column(source: string, line: number, column: number, unit: ColumnUnit): number {
  const text = source.split('\n', line)[line - 1] ?? '';
  const before = Math.max(0, column - 1);
  if (unit === 'utf8') return Buffer.from(text).toString('utf8', 0, before).length + 1;
  let units = 0;
  let passed = 0;
  for (const character of text) {
    if (passed >= before) break;
    units += character.length;
    passed += 1;
  }
  return units + 1;
}
