import { closeSync, fstatSync, readSync } from 'node:fs';
import type { Config } from '#lib/config/config';
import type { CommandContext, CompileSteps, Toolchain } from '#lib/languages/language';
import { RESULT_DESCRIPTOR } from '#lib/languages/sandbox-interface';
import { Artifact } from '#lib/runner/artifact';
import { BoundedOutput } from '#lib/runner/bounded-output';
import { type CompileCache, compileKey } from '#lib/runner/compile-cache';
import { diskFullMessage, judge } from '#lib/runner/outcome';
import type { LanguageTemplates } from '#lib/runner/pool/sandbox-templates';
import type { SandboxTemplate } from '#lib/runner/pool/warm-pool';
import type { Program } from '#lib/runner/program';
import { compilerLimits, programLimits } from '#lib/runner/resource-limits';
import { reopenForReading } from '#lib/runner/sandbox/anonymous-files';
import { shellQuote } from '#lib/runner/sandbox/bubblewrap/arguments';
import type { Execution, Sandbox, WarmSandbox } from '#lib/runner/sandbox/sandbox';
import { log } from '#lib/telemetry/log';
import { MIB } from '#lib/units';
import type { CodeResult } from '#lib/wire/code';

export interface ExecutionContext {
  settings: Config;
  cores: number;
  cache: CompileCache;
  /** Starts a new sandbox if no warm one is available. */
  sandbox: Sandbox;
  templates: LanguageTemplates;
  /** Takes a warm sandbox of this template; from now on, the pool should hold some. */
  takeWarm: (template: SandboxTemplate) => WarmSandbox | undefined;
  signal: AbortSignal;
  onOutput: ((stream: 'stdout' | 'stderr', text: string) => void) | undefined;
}

type StageExecution = Omit<Execution, 'onStdout' | 'onStderr'>;

/** A program that is ready to run: compiled, or unchanged if its language is interpreted. */
interface RunnableProgram {
  /** The binary, or what an earlier run has cached for this one. */
  fd: number | undefined;
  /** The result of the compiler. */
  compile?: CodeResult['compile'];
  /** The template of sandboxes for this very program. */
  template: SandboxTemplate | undefined;
  /** Caches what the interpreter has made of the program. */
  onHeader?: (content: Buffer) => void;
}

const NO_BYTES = new Uint8Array();

/** Compiles a checked program if its language needs that, and runs it. */
export async function execute(program: Program, toolchain: Toolchain, context: ExecutionContext): Promise<CodeResult> {
  const decoder = new TextDecoder();
  const command: CommandContext = {
    toolchain,
    files: program.files.map(({ name, content }) => ({ name, text: decoder.decode(content) })),
    args: program.args,
    memoryMb: context.settings.CODE_MEMORY_MB,
  };
  const runnable = await makeRunnable(program, command, context);
  if ('failure' in runnable) return runnable.failure;
  const { fd, compile } = runnable;
  try {
    const result = await run(program, command, runnable, context);
    return compile === undefined ? result : { ...result, compile };
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

async function makeRunnable(
  program: Program,
  command: CommandContext,
  context: ExecutionContext,
): Promise<RunnableProgram | { failure: CodeResult }> {
  const { language, files } = program;
  const { cache, templates } = context;
  if (language.compile !== undefined) return await compile(program, command, language.compile(command), context);
  if (language.warmCached === undefined) return { fd: undefined, template: undefined };
  const key = compileKey(language, command.toolchain, undefined, files);
  const cached = cache.open(key);
  return cached === undefined
    ? { fd: undefined, template: undefined, onHeader: (content) => cache.store(key, Artifact.of(content), '') }
    : { fd: cached.fd, template: templates.rerun };
}

async function compile(
  { language, files }: Program,
  command: CommandContext,
  steps: CompileSteps,
  context: ExecutionContext,
): Promise<RunnableProgram | { failure: CodeResult }> {
  const { settings, cores, cache, templates, signal } = context;
  const key = compileKey(language, command.toolchain, steps, files);
  const template = () => cache.templateFor(key, (bytes) => templates.preloaded(bytes, () => cache.open(key)?.fd));
  const lookedUpAt = performance.now();
  const cached = cache.open(key);
  if (cached !== undefined) {
    const duration_ms = roundMs(performance.now() - lookedUpAt);
    return {
      fd: cached.fd,
      compile: { stdout: '', stderr: cached.warnings, exit_code: 0, duration_ms },
      template: template(),
    };
  }
  const { warmCompiler } = language;
  const limits = compilerLimits(settings, cores);
  const artifact = new Artifact(settings.CODE_DISK_MB * MIB);
  let isStored = false;
  try {
    const execution = {
      argv: ['/bin/sh', '-c', compileScript(steps)],
      env: steps.env ?? {},
      binds: command.toolchain.binds,
      message: warmCompiler && (() => warmCompiler.encode({ context: command, files, artifact: undefined })),
      onResult: (chunk: Buffer) => artifact.write(chunk),
      ...{ files, stdin: NO_BYTES, limits, signal },
    };
    const accepts = warmCompiler?.accepts?.(command) ?? true;
    const sandbox = pickSandbox(accepts ? [templates.compiler] : [], files.length, 0, context);
    const result = await runStage('compile', execution, sandbox, undefined);
    const { stdout, stderr, exit_code, duration_ms } = result;
    const compiled = { stdout, stderr, exit_code, duration_ms };
    // A program that does not compile has no other output than its compiler's.
    if (result.status !== 'success') {
      const error = diskFullMessage(result, limits, artifact) ?? result.error;
      return { failure: { ...result, compile: compiled, error } };
    }
    const fd = reopenForReading(artifact.fd);
    cache.store(key, artifact, stderr);
    isStored = true;
    return { fd, compile: compiled, template: template() };
  } finally {
    if (!isStored) artifact.close();
  }
}

function run(
  { language, files, stdin, seconds }: Program,
  command: CommandContext,
  { fd, template, onHeader }: RunnableProgram,
  context: ExecutionContext,
): Promise<CodeResult> {
  const { settings, cores, templates, signal, onOutput } = context;
  const { warm } = language;
  const { argv, env = {}, binds = command.toolchain.binds, script } = language.run(command);
  const artifact = () => (fd === undefined ? undefined : readAll(fd));
  const execution = {
    ...{ argv, env, binds, files, stdin, onHeader, signal },
    program: language.compile === undefined ? content(script) : fd,
    message: warm && (() => warm.encode({ context: command, files, artifact: artifact() })),
    limits: programLimits(settings, seconds, cores),
  };
  const bytes = fd === undefined ? 0 : fstatSync(fd).size;
  const candidates = [template, templates.interpreter, templates.empty];
  return runStage('run', execution, pickSandbox(candidates, files.length, bytes, context), onOutput);
}

/** The first warm sandbox that is available, or else a new one. */
function pickSandbox(
  templates: readonly (SandboxTemplate | undefined)[],
  files: number,
  bytes: number,
  { takeWarm, sandbox }: ExecutionContext,
): Pick<Sandbox, 'run'> {
  for (const template of templates) {
    const warm = template?.accepts({ files, bytes }) === true ? takeWarm(template) : undefined;
    if (warm !== undefined) return warm;
  }
  return sandbox;
}

async function runStage(
  stage: CodeResult['stage'],
  execution: StageExecution,
  sandbox: Pick<Sandbox, 'run'>,
  onOutput: ExecutionContext['onOutput'],
): Promise<CodeResult> {
  const { limits } = execution;
  const stdout = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stdout', text));
  const stderr = new BoundedOutput(limits.outputBytes, (text) => onOutput?.('stderr', text));
  const report = await sandbox.run({
    ...execution,
    onStdout: (chunk) => stdout.write(chunk),
    onStderr: (chunk) => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  const verdict = judge(report, limits, stage);
  if (verdict.status === 'internal_error') log().error({ stage, trouble: report.setupError }, 'the sandbox failed');
  return {
    stdout: report.started ? stdout.text : '',
    stderr: report.started ? stderr.text : '',
    exit_code: verdict.exitCode,
    duration_ms: roundMs(report.wallMs),
    error: verdict.error,
    status: verdict.status,
    stage,
    truncated: stdout.overflowed || stderr.overflowed,
    cpu_ms: roundMs(report.cpuMs),
    memory_kb: Math.round(report.peakMemoryBytes / 1024),
  };
}

/**
 * A script that runs the steps of the compiler, and then writes its output to `RESULT_DESCRIPTOR`,
 * which the compiler itself does not have. All its messages become stderr: Go's go to stdout.
 */
function compileScript({ steps, output }: CompileSteps): string {
  const commands = steps.map((step) => `${step.map(shellQuote).join(' ')} ${RESULT_DESCRIPTOR}>&- >&2`);
  return [...commands, `exec cat ${shellQuote(output)} >&${RESULT_DESCRIPTOR}`].join(' && ');
}

function content(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text);
}

function readAll(fd: number): Uint8Array {
  const content = Buffer.allocUnsafe(fstatSync(fd).size);
  for (let read = 0; read < content.byteLength; ) {
    const size = readSync(fd, content, read, content.byteLength - read, read);
    if (size === 0) return content.subarray(0, read);
    read += size;
  }
  return content;
}

/** Milliseconds to a tenth. */
function roundMs(ms: number): number {
  return Math.round(ms * 10) / 10;
}
