import type { Config } from '#lib/config/index';
import { log } from '#lib/observe/log';
import type { Toolchain } from '#lib/runner/languages/language';
import { programLimits } from '#lib/runner/limits';
import { judge } from '#lib/runner/outcome';
import { BoundedOutput } from '#lib/runner/output';
import type { Program } from '#lib/runner/request';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';
import type { CodeResult } from '#lib/wire/code';

export interface ExecutionContext {
  settings: Config;
  cores: number;
  signal: AbortSignal;
  onOutput: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

/** Takes a checked program through its stages, and tells how it went. */
export async function execute(
  program: Program,
  toolchain: Toolchain,
  sandbox: Sandbox,
  { settings, cores, signal, onOutput }: ExecutionContext,
): Promise<CodeResult> {
  const limits = programLimits(settings, program.seconds, cores);
  const stdout = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stdout', text));
  const stderr = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stderr', text));
  const { argv, env } = program.language.run({
    toolchain,
    files: program.files.map((file) => file.name),
    args: program.args,
    memoryMb: settings.CODE_MEMORY_MB,
  });
  const ended = await sandbox.run({
    argv,
    env: env ?? {},
    binds: toolchain.binds,
    files: program.files,
    stdin: program.stdin,
    limits,
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
    signal,
  });
  stdout.end();
  stderr.end();
  const outcome = judge(ended, limits);
  if (outcome.status === 'internal_error')
    log().error({ language: program.language.id, trouble: ended.trouble }, 'the sandbox failed');
  return {
    stdout: ended.started ? stdout.text : '',
    stderr: ended.started ? stderr.text : '',
    exit_code: outcome.exitCode,
    duration_ms: Math.round(ended.wallMs * 10) / 10,
    error: outcome.error,
    status: outcome.status,
    stage: 'run',
    truncated: stdout.overflowed || stderr.overflowed,
    cpu_ms: Math.round(ended.cpuMs * 10) / 10,
    memory_kb: Math.round(ended.peakMemoryBytes / 1024),
  };
}
