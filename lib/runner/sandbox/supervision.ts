import type { ChildProcess } from 'node:child_process';
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { OutputPipe } from '#lib/runner/sandbox/pipe-pool';
import type { OutputHandler, StopReason, SupervisionInput } from '#lib/runner/sandbox/sandbox';

export const FIRST_SAMPLE_MS = 4;
export const MAX_SAMPLE_INTERVAL_MS = 32;
const MAX_STDERR_START_BYTES = 4000;
/** A run ends even if a process still holds its pipes open. */
const DRAIN_GRACE_MS = 1000;
/** The capacity of a pipe. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

/** A started program, in any sandbox. */
export interface SupervisedProcess {
  /** Its exit code, as a shell reports it. */
  exited: Promise<number>;
  isOver: () => boolean;
  /**
   * Whether no process can write any more, though one may hold the pipes: no wait for their end.
   */
  hasNoWriters?: () => boolean;
  stdout: OutputPipe;
  stderr: OutputPipe;
  result: OutputPipe | undefined;
  /** Kills the whole process tree, after which it exits. */
  kill: () => void;
  isOverMemory: () => boolean;
}

export interface SupervisionResult {
  /** The exit code, as a shell reports it. */
  code: number;
  stopReason: StopReason | undefined;
  wallMs: number;
  /** The beginning of its stderr, for the log. */
  stderrStart: string;
}

/** Enforces the limits of a program until it has ended, and forwards its output. */
export async function supervise(
  input: SupervisionInput,
  running: SupervisedProcess,
  startedAt: number,
): Promise<SupervisionResult> {
  let stopReason: StopReason | undefined;
  const stop = (reason: StopReason) => {
    if (stopReason !== undefined || running.isOver()) return;
    stopReason = reason;
    running.kill();
  };
  let sampling: NodeJS.Timeout | undefined;
  const sample = (afterMs: number) => {
    sampling = setTimeout(() => {
      if (running.isOverMemory()) stop('memory');
      sample(Math.min(2 * afterMs, MAX_SAMPLE_INTERVAL_MS));
    }, afterMs);
  };
  // Early at first: without a control group, samples are the only measure of a short program.
  sample(FIRST_SAMPLE_MS);
  const clock = setTimeout(() => stop('wall'), input.limits.wallMs);
  const cancel = () => stop('cancelled');
  input.signal?.addEventListener('abort', cancel, { once: true });
  if (input.signal?.aborted === true) cancel();

  let stderrStart = '';
  const onRefused = () => stop('output');
  const onStderr = (chunk: Buffer) => {
    if (stderrStart.length < MAX_STDERR_START_BYTES) stderrStart += chunk.toString('latin1', 0, MAX_STDERR_START_BYTES);
    return input.onStderr(chunk);
  };
  const readers = [
    new PipeReader(running.stdout, input.onStdout, onRefused),
    new PipeReader(running.stderr, onStderr, onRefused),
  ];
  if (running.result !== undefined && input.onResult !== undefined)
    readers.push(new PipeReader(running.result, input.onResult, onRefused));
  try {
    const code = await running.exited;
    const wallMs = performance.now() - startedAt;
    return { code, stopReason, wallMs, stderrStart };
  } finally {
    clearTimeout(sampling);
    clearTimeout(clock);
    input.signal?.removeEventListener('abort', cancel);
    const hasNoWriters = running.hasNoWriters?.() === true;
    await Promise.all(readers.map((reader) => reader.finish(hasNoWriters)));
  }
}

/**
 * Reads a pipe to its end. It stops reading when `take` returns false, so that the writer blocks
 * until it is killed. Releases the pipe when this end is closed, too.
 */
export class PipeReader {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #take: (chunk: Buffer) => void;
  readonly #closed: Promise<void>;
  #refused = false;

  constructor({ reader, release }: OutputPipe, take: OutputHandler, onRefused: () => void) {
    const socket = new Socket({ fd: reader, readable: true, writable: false });
    this.#fd = reader;
    this.#socket = socket;
    this.#take = (chunk) => {
      if (this.#refused || take(chunk)) return;
      this.#refused = true;
      socket.pause();
      onRefused();
    };
    socket.on('data', this.#take);
    socket.on('error', () => {});
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => {
        release();
        resolve();
      });
    });
  }

  /** Reads what is left after the program has ended, unless `take` refused more. */
  async finish(hasNoWriters: boolean): Promise<void> {
    if (hasNoWriters) this.#readRest();
    if (hasNoWriters || this.#refused) this.#socket.destroy();
    if (hasNoWriters) return;
    const grace = setTimeout(() => this.#socket.destroy(), DRAIN_GRACE_MS);
    await this.#closed;
    clearTimeout(grace);
  }

  #readRest(): void {
    // What the socket has buffered comes first.
    this.#socket.read();
    // A destroyed socket has closed the descriptor, whose number may be in use again.
    while (!this.#refused && !this.#socket.destroyed) {
      const size = readAvailable(this.#fd);
      if (size === 0) return;
      this.#take(Buffer.from(SCRATCH.subarray(0, size)));
    }
  }
}

/** Reads into `SCRATCH` without waiting; returns the number of bytes. */
function readAvailable(fd: number): number {
  try {
    return readSync(fd, SCRATCH);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
    throw error;
  }
}

/**
 * Kills a sandbox by its first process: the kernel ends all others before that exit is reported.
 */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already, and its monitor is about to report that.
  }
}

export function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Resolves with the exit code as a shell reports it. Rejects if the process cannot be started. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
