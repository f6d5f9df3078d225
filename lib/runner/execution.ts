import { closeSync } from 'node:fs';
import type { Config } from '#lib/config/index';
import { log } from '#lib/observe/log';
import { Artifact } from '#lib/runner/artifact';
import { type CompileCache, compileKey } from '#lib/runner/compile-cache';
import type { CommandContext, Compilation, Toolchain, WarmProgram } from '#lib/runner/languages/language';
import { compilerLimits, type Limits, programLimits } from '#lib/runner/limits';
import { judge } from '#lib/runner/outcome';
import { BoundedOutput } from '#lib/runner/output';
import type { WarmPool } from '#lib/runner/pool';
import type { Program } from '#lib/runner/request';
import { type Ended, type Job, RESULT_DESCRIPTOR, type Sandbox } from '#lib/runner/sandbox/sandbox';
import type { CodeResult } from '#lib/wire/code';

export interface ExecutionContext {
  settings: Config;
  cores: number;
  cache: CompileCache;
  pool: WarmPool;
  signal: AbortSignal;
  onOutput: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

type Stage = CodeResult['stage'];
type OnOutput = ExecutionContext['onOutput'];

/** Takes a checked program through its stages, and tells how it went. */
export async function execute(
  program: Program,
  toolchain: Toolchain,
  sandbox: Sandbox,
  { settings, cores, cache, pool, signal, onOutput }: ExecutionContext,
): Promise<CodeResult> {
  const { language, files, stdin } = program;
  const decoder = new TextDecoder();
  const context: CommandContext = {
    toolchain,
    files: files.map(({ name, content }) => ({ name, text: decoder.decode(content) })),
    args: program.args,
    memoryMb: settings.CODE_MEMORY_MB,
  };
  const common = { files, signal };
  const runLimits = programLimits(settings, program.seconds, cores);
  const run = (extra: Pick<Job, 'program'>) => {
    const waiting = pool.take(language);
    if (waiting !== undefined) {
      const message: WarmProgram = {
        files: files.map(({ name, content }) => ({ name, content: Buffer.from(content).toString('base64') })),
        stdin: Buffer.from(stdin).toString('base64'),
        args: program.args,
      };
      const hooks = { limits: runLimits, signal };
      return runStage(
        'run',
        (output) => waiting.run(JSON.stringify(message), { ...hooks, ...output }),
        runLimits,
        onOutput,
      );
    }
    const { argv, env = {}, binds = toolchain.binds } = language.run(context);
    const job = { ...common, ...extra, argv, env, binds, stdin, limits: runLimits };
    return runStage('run', (output) => sandbox.run({ ...job, ...output }), runLimits, onOutput);
  };
  if (language.compile === undefined) return run({});

  const compilation = language.compile(context);
  const key = compileKey(language, toolchain, compilation, files);
  const looked = performance.now();
  const kept = cache.open(key);
  if (kept !== undefined) {
    const compile = {
      stdout: '',
      stderr: kept.warnings,
      exit_code: 0,
      duration_ms: rounded(performance.now() - looked),
    };
    return { ...(await run({ program: kept.fd }).finally(() => closeSync(kept.fd))), compile };
  }

  const artifact = new Artifact();
  let isTaken = false;
  try {
    const limits = compilerLimits(settings, cores);
    const job = {
      ...common,
      binds: toolchain.binds,
      argv: ['/bin/sh', '-c', compileScript(compilation)],
      env: compilation.env ?? {},
      stdin: new Uint8Array(),
      limits,
      onResult: (chunk: Buffer) => artifact.write(chunk),
    };
    const compiled = await runStage('compile', (output) => sandbox.run({ ...job, ...output }), limits, undefined);
    const { stdout, stderr, exit_code, duration_ms } = compiled;
    const compile = { stdout, stderr, exit_code, duration_ms };
    // What the compiler says is all there is to see of a program that does not compile.
    if (compiled.status !== 'success') return { ...compiled, compile };
    const ran = await run({ program: artifact.fd });
    isTaken = true;
    cache.keep(key, artifact, stderr);
    return { ...ran, compile };
  } finally {
    if (!isTaken) artifact.close();
  }
}

type Output = Pick<Job, 'onStdout' | 'onStderr'>;

async function runStage(
  stage: Stage,
  run: (output: Output) => Promise<Ended>,
  limits: Limits,
  onOutput: OnOutput,
): Promise<CodeResult> {
  const stdout = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stdout', text));
  const stderr = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stderr', text));
  const ended = await run({
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  const outcome = judge(ended, limits, stage);
  if (outcome.status === 'internal_error') log().error({ stage, trouble: ended.trouble }, 'the sandbox failed');
  return {
    stdout: ended.started ? stdout.text : '',
    stderr: ended.started ? stderr.text : '',
    exit_code: outcome.exitCode,
    duration_ms: rounded(ended.wallMs),
    error: outcome.error,
    status: outcome.status,
    stage,
    truncated: stdout.overflowed || stderr.overflowed,
    cpu_ms: rounded(ended.cpuMs),
    memory_kb: Math.round(ended.peakMemoryBytes / 1024),
  };
}

/**
 * The compiler's steps, and then its output to the one descriptor that leads out, which the compiler itself does not have.
 * What compilers say is diagnostics, though Go's says it on stdout.
 */
function compileScript({ steps, output }: Compilation): string {
  const commands = steps.map((step) => `${step.map(quote).join(' ')} ${RESULT_DESCRIPTOR}>&- >&2`);
  return [...commands, `exec cat ${quote(output)} >&${RESULT_DESCRIPTOR}`].join(' && ');
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** Milliseconds to a tenth. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
