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

/** Errors and warnings together. */
export const MAX_DIAGNOSTICS = 100;

/**
 * Has a checked program parsed or type-checked by its language's own tools, in the sandbox and within a compiler's limits; never
 * runs it. A program with errors is a result. Throws `language_unavailable` and `cancelled`.
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
  const ended = await sandbox.run({
    ...{ argv, env, binds, files, limits, signal },
    stdin: Buffer.from(stdin),
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  if (ended.stopReason === 'cancelled') throw new AppError('cancelled', 'The validation was cancelled.');
  const { status, error } = judge(ended, limits, 'compile');
  if (status === 'internal_error') {
    log().error({ stage: 'validate', trouble: ended.setupError }, 'the sandbox failed');
    throw new AppError('internal_error', 'The sandbox could not be set up; the program was not looked at.');
  }
  // What was stopped half-way has said nothing that could be relied on.
  const isWhole = status === 'success' || status === 'compile_error';
  const said = { stdout: stdout.text, stderr: stderr.text };
  const diagnostics = isWhole ? validator.parse(said, source) : [];
  const onlyWarned = isWhole && validator.failsForWarnings === true && diagnostics.length > 0;
  const refused = status === 'success' || onlyWarned ? undefined : (error ?? 'The program does not compile.');
  return summarize(diagnostics, refused, source);
}

/** Of each of a compiler's outputs; a hundred diagnostics of templates are long. */
const MAX_TOOL_OUTPUT_BYTES = 4 * 1024 * 1024;
const MAX_MESSAGE_LENGTH = 2_000;

/** `refused` is what to say where the compiler did not end well and named no error. Pure. */
export function summarize(
  diagnostics: readonly Diagnostic[],
  refused: string | undefined,
  source: string,
): ValidateResult {
  const lineCount = source.split('\n').length;
  const seen = new Set<string>();
  const pick = (severity: Diagnostic['severity'], room: number) =>
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
      .slice(0, room)
      .toSorted((one, other) => one.line - other.line || one.column - other.column);
  const errors = pick('error', MAX_DIAGNOSTICS);
  if (errors.length === 0 && refused !== undefined) errors.push({ line: 1, column: 1, message: refused });
  const warnings = pick('warning', MAX_DIAGNOSTICS - errors.length);
  return { isValid: errors.length === 0, errors, warnings };
}

/** Paths that the program does not name itself become the name of their file: they tell of this machine. */
function withoutPaths(message: string, source: string): string {
  return message.replaceAll(/(?<![\w./:*])\/(?:[\w.+@~-]+\/)+([\w.+@~-]*)/g, (path, name: string) =>
    source.includes(path) ? path : name,
  );
}
