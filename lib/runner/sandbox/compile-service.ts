import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import type { CgroupUsage } from '#lib/runner/sandbox/cgroup';
import { CompileResponse, compileRequest, NONCE_BYTES } from '#lib/runner/sandbox/compile-response';
import type { InputPipe } from '#lib/runner/sandbox/pipe-pool';
import type { RunningSandbox } from '#lib/runner/sandbox/running-sandbox';
import type { CompileService, Execution, ExitReport, StopReason } from '#lib/runner/sandbox/sandbox';
import { FIRST_SAMPLE_MS, MAX_SAMPLE_INTERVAL_MS, PipeReader } from '#lib/runner/sandbox/supervision';
import { log } from '#lib/telemetry/log';
import { MIB } from '#lib/units';

export interface CompileServiceParts {
  /** The service reads its requests from the other end. */
  input: InputPipe;
  sandbox: RunningSandbox;
  /** Compiles in a new sandbox. */
  compileCold: (execution: Execution) => Promise<ExitReport>;
  /** Called once, when the sandbox has ended. */
  onEnd: () => void;
}

/** Compilations after which a service is replaced: javac's table of names grows with each. */
const MAX_COMPILATIONS = 1_000;
/** CPU time after which it is replaced, well below the limit of the process. */
export const MAX_SERVICE_CPU_SECONDS = 60;
/** Resident memory after a compilation above which it is replaced. */
const MAX_RESIDENT_BYTES = 256 * MIB;
/** Memory is measured after so many compilations, and after each one that took long. */
const MEASURE_EVERY = 16;
const LONG_COMPILATION_MS = 500;
/** javac reports an error in a source with 1; above 2 it has failed itself. */
const MAX_USUAL_EXIT_CODE = 2;
const MAX_TROUBLE_BYTES = 2000;
/** SIGKILL, as a shell reports it. */
const KILLED = 137;

type Outcome = 'complete' | 'ended' | 'malformed' | 'too large' | { stopped: StopReason };

interface Compiled {
  outcome: Outcome;
  response: CompileResponse;
  /** Whether the messages exceeded their bound. */
  hasFlooded: boolean;
  residentBytes: number;
}

interface Compilation {
  response: CompileResponse;
  settle: (outcome: Outcome) => void;
}

/**
 * Starts to supervise a compile service. Every compilation has the limits of a compiler. One that
 * exceeds them, is cancelled or makes the service misbehave ends the service.
 */
export function superviseCompileService(parts: CompileServiceParts): CompileService {
  const { input, sandbox, compileCold, onEnd } = parts;
  const writer = new Socket({ fd: input.writer, readable: false, writable: true });
  writer.on('error', () => {});
  const writerClosed = new Promise<void>((resolve) => {
    writer.on('close', () => resolve());
  });
  let current: Compilation | undefined;
  let compilations = 0;
  let isReady = false;
  let isWorn = false;
  let isRetired = false;
  let trouble = '';

  const retire = () => {
    isRetired = true;
    if (!sandbox.isOver()) sandbox.kill();
  };
  const settle = (outcome: Outcome) => {
    const ended = current;
    current = undefined;
    if (outcome === 'malformed' || outcome === 'too large') retire();
    ended?.settle(outcome);
  };
  const onResult = (chunk: Buffer): boolean => {
    const isFirst = !isReady;
    isReady = true;
    const bytes = isFirst ? chunk.subarray(1) : chunk;
    if (isRetired || bytes.byteLength === 0) return !isRetired;
    const progress = current === undefined ? 'malformed' : current.response.write(bytes);
    if (progress === 'incomplete') return true;
    if (current === undefined) retire();
    else settle(progress);
    return !isRetired;
  };
  // The service prints nothing unless it fails.
  const onPrinted = (chunk: Buffer): boolean => {
    trouble = (trouble + chunk.toString('latin1')).slice(0, MAX_TROUBLE_BYTES);
    isWorn = true;
    return trouble.length < MAX_TROUBLE_BYTES;
  };
  const readers = [
    new PipeReader(sandbox.stdout, onPrinted, retire),
    new PipeReader(sandbox.stderr, onPrinted, retire),
    ...(sandbox.result === undefined ? [] : [new PipeReader(sandbox.result, onResult, retire)]),
  ];
  sandbox.confined.catch(retire);
  // The control group is removed after the end.
  let lastUsage: Pick<CgroupUsage, 'cpuMs' | 'oomKills'> | undefined;
  const usage = () => lastUsage ?? sandbox.usage();
  const end = async () => {
    isRetired = true;
    await Promise.all(readers.map((reader) => reader.finish(sandbox.hasNoWriters?.() === true)));
    const { cpuMs, oomKills } = sandbox.usage();
    lastUsage = { cpuMs, oomKills };
    settle('ended');
    if (trouble !== '') log().warn({ trouble }, 'a compile service reported trouble');
    writer.destroy();
    onEnd();
    void Promise.all([writerClosed, sandbox.closed]).then(input.release);
  };
  const ended = sandbox.exited.then(end, end);

  /** Resolves when there is a response, or when there will be none. */
  const compile = async (execution: Execution): Promise<Compiled> => {
    const { limits, message, signal } = execution;
    if (message === undefined) throw new Error('a compile service takes its sources as a message');
    const nonce = randomBytes(NONCE_BYTES);
    let hasFlooded = false;
    const response = new CompileResponse(nonce, limits.outputBytes, {
      onMessages: (messages) => {
        hasFlooded = messages.byteLength > 0 && !execution.onStderr(messages);
      },
      onArtifact: (chunk) => hasFlooded || (execution.onResult?.(chunk) ?? true),
    });
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    let residentBytes = 0;
    if (isRetired) return { outcome: 'ended', response, hasFlooded, residentBytes };
    current = { response, settle: resolve };
    const stop = (stopped: StopReason) => {
      if (current?.response !== response) return;
      residentBytes = sandbox.residentBytes();
      retire();
      settle({ stopped });
    };
    const cancel = () => stop('cancelled');
    const clock = setTimeout(() => stop('wall'), limits.wallMs);
    let sampling: NodeJS.Timeout | undefined;
    const sample = (afterMs: number) => {
      sampling = setTimeout(() => {
        if (sandbox.isOverMemory()) stop('memory');
        sample(Math.min(2 * afterMs, MAX_SAMPLE_INTERVAL_MS));
      }, afterMs);
    };
    sample(FIRST_SAMPLE_MS);
    signal?.addEventListener('abort', cancel, { once: true });
    if (signal?.aborted === true) cancel();
    try {
      writer.write(compileRequest(nonce, limits.outputBytes, message()));
      const outcome = await promise;
      // Its memory is reported only for a program that does not run.
      if (outcome === 'complete' && response.exitCode !== 0) residentBytes = sandbox.residentBytes();
      return { outcome, response, hasFlooded, residentBytes };
    } finally {
      clearTimeout(clock);
      clearTimeout(sampling);
      signal?.removeEventListener('abort', cancel);
    }
  };

  /** Decides whether the service can go on. */
  const assess = (exitCode: number, wallMs: number, cpuMs: number) => {
    compilations += 1;
    if (exitCode > MAX_USUAL_EXIT_CODE) retire();
    const isMeasured = compilations % MEASURE_EVERY === 0 || wallMs > LONG_COMPILATION_MS;
    if (isMeasured && sandbox.residentBytes() > MAX_RESIDENT_BYTES) isWorn = true;
    if (compilations >= MAX_COMPILATIONS || cpuMs > MAX_SERVICE_CPU_SECONDS * 1000) isWorn = true;
  };

  return {
    get isAlive() {
      return !isRetired && !sandbox.isOver();
    },
    get isReady() {
      return isReady;
    },
    get isWorn() {
      return isWorn;
    },
    residentBytes: () => sandbox.residentBytes(),
    run: async (execution) => {
      const startedAt = performance.now();
      const cpuBefore = usage().cpuMs;
      // Memory may be short for what earlier programs have left: then this one is compiled alone.
      const hasServed = compilations > 0;
      const { outcome, response, hasFlooded, residentBytes } = await compile(execution);
      const wallMs = performance.now() - startedAt;
      if (typeof outcome !== 'string') await ended;
      const { cpuMs, oomKills } = usage();
      const isOutOfMemory = typeof outcome === 'string' ? oomKills > 0 : outcome.stopped === 'memory';
      const isRepeated = !response.hasBegun && (isOutOfMemory ? hasServed : typeof outcome === 'string');
      const report = (exitCode: number, stopReason?: StopReason, outOfMemory = stopReason === 'memory') => ({
        ...{ started: true, setupError: '', exitCode, stopReason, outOfMemory, wallMs, pidNamespace: undefined },
        cpuMs: Math.max(0, cpuMs - cpuBefore),
        peakMemoryBytes: residentBytes,
      });
      if (typeof outcome !== 'string' && !isRepeated) return report(KILLED, outcome.stopped);
      if (outcome === 'complete') {
        assess(response.exitCode ?? KILLED, wallMs, cpuMs);
        return hasFlooded ? report(KILLED, 'output') : report(response.exitCode ?? KILLED);
      }
      if (outcome === 'too large') return report(KILLED, 'output');
      if (!isRepeated) return report(KILLED, undefined, isOutOfMemory);
      const limits = { ...execution.limits, wallMs: Math.max(1, execution.limits.wallMs - wallMs) };
      return await compileCold({ ...execution, limits });
    },
    discard: async () => {
      retire();
      await ended;
    },
  };
}
