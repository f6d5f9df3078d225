import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Config } from '#lib/config/config';
import type { CommandContext, CompileSteps, SandboxCommand, Toolchain, WarmInput } from '#lib/languages/language';
import { Artifact } from '#lib/runner/artifact';
import { BoundedOutput } from '#lib/runner/bounded-output';
import { type CompileCache, compileKey } from '#lib/runner/compile-cache';
import { diskFullMessage, judge } from '#lib/runner/outcome';
import type { LanguageTemplates } from '#lib/runner/pool/sandbox-templates';
import type { SandboxTemplate, WarmPool } from '#lib/runner/pool/warm-pool';
import type { Program } from '#lib/runner/program';
import { compilerLimits, programLimits, type ResourceLimits } from '#lib/runner/resource-limits';
import { anonymousFile } from '#lib/runner/sandbox/anonymous-files';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';
import {
  type Execution,
  type ExitReport,
  type LaunchInput,
  RESULT_DESCRIPTOR,
  type Sandbox,
  type SupervisionInput,
} from '#lib/runner/sandbox/sandbox';
import { StdoutHeader } from '#lib/runner/stdout-header';
import { log } from '#lib/telemetry/log';
import type { CodeResult } from '#lib/wire/code';

export interface ExecutionContext {
  settings: Config;
  cores: number;
  cache: CompileCache;
  pool: WarmPool;
  kinds: LanguageTemplates;
  /** Is told of sandboxes beside the language's own that this program takes, of which there should be some from now on. */
  onTaken: (kind: SandboxTemplate<never>) => void;
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
  execution: ExecutionContext,
): Promise<CodeResult> {
  const { settings, cores, cache, kinds, onOutput } = execution;
  const { language } = program;
  const decoder = new TextDecoder();
  const context: CommandContext = {
    toolchain,
    files: program.files.map(({ name, content }) => ({ name, text: decoder.decode(content) })),
    args: program.args,
    memoryMb: settings.CODE_MEMORY_MB,
  };
  const run = (made: Made) => {
    const limits = programLimits(settings, program.seconds, cores);
    const start = startRun(program, context, made, limits, sandbox, execution);
    return runStage('run', start, limits, onOutput);
  };
  if (language.warmCached !== undefined) {
    const key = compileKey(language, toolchain, undefined, program.files);
    const kept = cache.open(key);
    if (kept === undefined) return run({ keep: (content) => cache.store(key, Artifact.of(content), '') });
    if (kinds.again !== undefined) execution.onTaken(kinds.again);
    return run({ program: kept.fd }).finally(() => closeSync(kept.fd));
  }
  if (language.compile === undefined) return run({});

  const compilation = language.compile(context);
  const key = compileKey(language, toolchain, compilation, program.files);
  const fill = () => {
    const made = cache.templateFor(key, (bytes) => kinds.filled(bytes, () => cache.open(key)?.fd));
    if (made !== undefined) execution.onTaken(made);
    return made;
  };
  const looked = performance.now();
  const kept = cache.open(key);
  if (kept !== undefined) {
    const compile = {
      stdout: '',
      stderr: kept.warnings,
      exit_code: 0,
      duration_ms: rounded(performance.now() - looked),
    };
    const ran = await run({ program: kept.fd, filled: fill() }).finally(() => closeSync(kept.fd));
    return { ...ran, compile };
  }

  const artifact = new Artifact(settings.CODE_DISK_MB * MB);
  let isTaken = false;
  try {
    const limits = compilerLimits(settings, cores);
    const start = startCompilation(program, context, compilation, artifact, limits, sandbox, execution);
    const compiled = await runStage('compile', start, limits, undefined);
    const { stdout, stderr, exit_code, duration_ms } = compiled;
    const compile = { stdout, stderr, exit_code, duration_ms };
    // What the compiler says is all there is to see of a program that does not compile.
    if (compiled.status !== 'success')
      return { ...compiled, compile, error: diskFullMessage(compiled, limits, artifact) ?? compiled.error };
    const ran = await run({ program: artifact.fd });
    isTaken = true;
    cache.store(key, artifact, stderr);
    fill();
    return { ...ran, compile };
  } finally {
    if (!isTaken) artifact.close();
  }
}

/** What there is of a program beside its sources. */
interface Made {
  /** A descriptor of what a compiler, or an earlier run, has made of it. */
  program?: number;
  filled?: SandboxTemplate<LaunchInput> | undefined;
  /** Is told what there is to be kept for another run of it. */
  keep?: (content: Buffer) => void;
}

type Output = Pick<Execution, 'onStdout' | 'onStderr'>;
type Start = (output: Output) => Promise<ExitReport>;

const MB = 1024 * 1024;
/** Of what a compiler has made, so much is handed to an interpreter through a pipe. */
const MAX_MESSAGE_BYTES = MB;

/** The run, in a sandbox that waits for it where there is one. */
function startRun(
  { language, files, stdin }: Program,
  context: CommandContext,
  { program, filled, keep = () => {} }: Made,
  limits: ResourceLimits,
  sandbox: Sandbox,
  { pool, kinds, signal }: ExecutionContext,
): Start {
  const watch = { limits, signal };
  const { warm, warmCached: warmAgain } = language;
  const isShort = program === undefined || fstatSync(program).size <= MAX_MESSAGE_BYTES;
  const again = program === undefined ? undefined : kinds.again && pool.take(kinds.again);
  const interpreter = again ?? (kinds.interpreter !== undefined && isShort ? pool.take(kinds.interpreter) : undefined);
  if (warm !== undefined && interpreter !== undefined) {
    const given: WarmInput = { context, files, artifact: program === undefined ? undefined : contentOf(program) };
    const text = warm.encode(given);
    if (warmAgain === undefined) return (output) => interpreter.run({ text, stdin }, { ...watch, ...output });
    return (output) => {
      const preface = new StdoutHeader(keep, output.onStdout);
      return interpreter.run({ text, stdin }, { ...watch, ...output, onStdout: (chunk) => preface.write(chunk) });
    };
  }
  const command = language.run(context);
  if (files.length === 1) {
    const handed = { ...withEnv(command), program, stdin, contents: files.map(({ content }) => content) };
    const blank = (filled && pool.take(filled)) ?? (kinds.program && pool.take(kinds.program));
    if (blank !== undefined) return (output) => blank.run(handed, { ...watch, ...output });
  }
  const binds = command.binds ?? context.toolchain.binds;
  const job = { ...withEnv(command), ...watch, binds, files, stdin };
  if (language.compile !== undefined) return (output) => sandbox.run({ ...job, ...output, program });
  return async (output) => {
    const script = command.script === undefined ? undefined : anonymousFile(Buffer.from(command.script));
    try {
      return await sandbox.run({ ...job, ...output, program: script });
    } finally {
      if (script !== undefined) closeSync(script);
    }
  };
}

/** The compilation, in a sandbox that waits for it where there is one. */
function startCompilation(
  { language, files }: Program,
  context: CommandContext,
  compilation: CompileSteps,
  artifact: Artifact,
  limits: ResourceLimits,
  sandbox: Sandbox,
  { pool, kinds, signal }: ExecutionContext,
): Start {
  const watch: Pick<SupervisionInput, 'limits' | 'signal' | 'onResult'> = {
    ...{ limits, signal },
    onResult: (chunk) => artifact.write(chunk),
  };
  const stdin = new Uint8Array();
  const { warmCompiler } = language;
  const isTaken = warmCompiler?.accepts?.(context) ?? true;
  const compiler = isTaken && kinds.compiler !== undefined ? pool.take(kinds.compiler) : undefined;
  if (warmCompiler !== undefined && compiler !== undefined) {
    const text = warmCompiler.encode({ context, files, artifact: undefined });
    return (output) => compiler.run({ text, stdin }, { ...watch, ...output });
  }
  const command = withEnv({ argv: ['/bin/sh', '-c', compileScript(compilation)], env: compilation.env ?? {} });
  const blank = kinds.compilation !== undefined && files.length === 1 ? pool.take(kinds.compilation) : undefined;
  if (blank !== undefined) {
    const handed = { ...command, stdin, program: undefined, contents: files.map(({ content }) => content) };
    return (output) => blank.run(handed, { ...watch, ...output });
  }
  return (output) => sandbox.run({ ...command, ...watch, ...output, binds: context.toolchain.binds, files, stdin });
}

function withEnv({ argv, env = {} }: SandboxCommand): Required<Pick<SandboxCommand, 'argv' | 'env'>> {
  return { argv, env };
}

function contentOf(fd: number): Uint8Array {
  const content = Buffer.allocUnsafe(fstatSync(fd).size);
  for (let read = 0; read < content.byteLength; ) {
    const size = readSync(fd, content, read, content.byteLength - read, read);
    if (size === 0) return content.subarray(0, read);
    read += size;
  }
  return content;
}

async function runStage(stage: Stage, start: Start, limits: ResourceLimits, onOutput: OnOutput): Promise<CodeResult> {
  const stdout = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stdout', text));
  const stderr = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stderr', text));
  const ended = await start({
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  const outcome = judge(ended, limits, stage);
  if (outcome.status === 'internal_error') log().error({ stage, trouble: ended.setupError }, 'the sandbox failed');
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
function compileScript({ steps, output }: CompileSteps): string {
  const commands = steps.map((step) => `${step.map(shellQuote).join(' ')} ${RESULT_DESCRIPTOR}>&- >&2`);
  return [...commands, `exec cat ${shellQuote(output)} >&${RESULT_DESCRIPTOR}`].join(' && ');
}

/** Milliseconds to a tenth. */
function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
