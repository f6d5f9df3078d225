import type { CommandContext, SandboxCommand } from '#lib/languages/language';

/** Where a compiler found something in the program, and what. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 units, as editors and JavaScript count. */
  column: number;
  message: string;
}

/** What a compiler wrote. */
export interface ToolOutput {
  stdout: string;
  stderr: string;
}

/** How a language's programs are looked at without being run. */
export interface Validator {
  /**
   * Parses or type-checks the program, and never runs any of it; ends with 0 where there is nothing to refuse. Undefined where
   * the tool for it is not installed.
   */
  command: (context: CommandContext) => (SandboxCommand & { stdin?: string }) | undefined;
  /**
   * Whether the command ends with an error of its own also where all that it says is a warning
   * here.
   */
  failsForWarnings?: boolean;
  /** What a person does where the tool is missing, as a sentence. */
  installHint?: string;
  /** Reads what the command wrote about `source`, the program's own file. Pure. */
  parse: (said: ToolOutput, source: string) => Diagnostic[];
}

export type ColumnUnit = 'utf8' | 'code-point';

/** The column in UTF-16 units of what a compiler counts in bytes or code points; all of them from 1. Pure. */
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
