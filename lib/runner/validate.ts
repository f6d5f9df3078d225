import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { Diagnostic } from '#lib/languages/diagnostic';
import type { CommandContext, Toolchain } from '#lib/languages/language';
import { BoundedOutput } from '#lib/runner/bounded-output';
import { judge } from '#lib/runner/outcome';
import type { Program } from '#lib/runner/program';
import { compilerLimits } from '#lib/runner/resource-limits';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import { log } from '#lib/telemetry/log';
import type { ValidateResult } from '#lib/wire/executor';

export interface ValidationContext {
  settings: Config;
  cores: number;
  signal: AbortSignal;
}

/** Of errors and warnings together. */
export const MAX_DIAGNOSTICS = 100;

/**
 * Parses or type-checks a program with the tools of its language, in the sandbox and with a
 * compiler's limits, without running it. Throws `language_unavailable` and `cancelled`.
 */
export async function validate(
  program: Program,
  toolchain: Toolchain,
  sandbox: Sandbox,
  { settings, cores, signal }: ValidationContext,
): Promise<ValidateResult> {
  const { language, files } = program;
  const { validate: validator } = language;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const context: CommandContext = {
    toolchain,
    files: files.map(({ name, content }) => ({ name, text: decoder.decode(content) })),
    args: [],
    memoryMb: settings.CODE_MEMORY_MB,
  };
  const source = context.files[0]?.text ?? '';
  const command = validator.command(context);
  if (command === undefined) throw new AppError('language_unavailable', validator.installHint ?? language.installHint);
  const { argv, env = {}, binds = toolchain.binds, stdin = '' } = command;
  const limits = { ...compilerLimits(settings, cores), outputBytes: MAX_TOOL_OUTPUT_BYTES };
  const stdout = new BoundedOutput(limits.outputBytes);
  const stderr = new BoundedOutput(limits.outputBytes);
  const report = await sandbox.run({
    ...{ argv, env, binds, files, limits, signal },
    stdin: Buffer.from(stdin),
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  if (report.stopReason === 'cancelled') throw new AppError('cancelled', 'The validation was cancelled.');
  const { status, error } = judge(report, limits, 'compile');
  if (status === 'internal_error') {
    log().error({ stage: 'validate', trouble: report.setupError }, 'the sandbox failed');
    throw new AppError('internal_error', 'The sandbox could not be set up; the program was not looked at.');
  }
  // The output of a tool that was stopped is incomplete.
  const isWhole = status === 'success' || status === 'compile_error';
  const output = { stdout: stdout.text, stderr: stderr.text };
  const diagnostics = isWhole ? validator.parse(output, source) : [];
  const onlyWarned = isWhole && validator.failsForWarnings === true && diagnostics.length > 0;
  const refused = status === 'success' || onlyWarned ? undefined : (error ?? 'The program does not compile.');
  return summarize(diagnostics, refused, source);
}

/** Of each output; a hundred diagnostics of C++ templates are long. */
const MAX_TOOL_OUTPUT_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE_LENGTH = 2_000;

/** `refused` is the error of a failed tool that reported none. Pure. */
export function summarize(
  diagnostics: readonly Diagnostic[],
  refused: string | undefined,
  source: string,
): ValidateResult {
  const lineCount = source.split('\n').length;
  const seen = new Set<string>();
  const pick = (severity: Diagnostic['severity'], limit: number) =>
    diagnostics
      .filter((diagnostic) => diagnostic.severity === severity)
      .map(({ line, column, message }) => ({
        line: Math.min(Math.max(1, line), lineCount),
        column: Math.max(1, column),
        message: withoutPaths(message, source).slice(0, MAX_MESSAGE_LENGTH).toWellFormed(),
      }))
      .filter((entry) => {
        const key = JSON.stringify(entry);
        return !seen.has(key) && seen.add(key);
      })
      .slice(0, limit)
      .toSorted((one, other) => one.line - other.line || one.column - other.column);
  const errors = pick('error', MAX_DIAGNOSTICS);
  if (errors.length === 0 && refused !== undefined) errors.push({ line: 1, column: 1, message: refused });
  const warnings = pick('warning', MAX_DIAGNOSTICS - errors.length);
  return { isValid: errors.length === 0, errors, warnings };
}

/** Shortens paths that are not in the source to their file name: they reveal this machine. */
function withoutPaths(message: string, source: string): string {
  return message.replaceAll(/(?<![\w./:*])\/(?:[\w.+@~-]+\/)+([\w.+@~-]*)/g, (path, name: string) =>
    source.includes(path) ? path : name,
  );
}
