import type { ChildProcess } from 'node:child_process';
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { OutputPipe } from '#lib/runner/sandbox/anonymous-files';
import type { StopReason, SupervisionInput } from '#lib/runner/sandbox/sandbox';

/** A program that was started, by whatever sandbox. */
export interface SupervisedProcess {
  /** With its exit code, as a shell would say it. */
  exited: Promise<number>;
  isOver: () => boolean;
  /** Whether nobody can write any more though somebody may hold the pipes still: then their end is not waited for. */
  hasNoWriters?: () => boolean;
  stdout: OutputPipe;
  stderr: OutputPipe;
  /** Where the job has one. */
  result: OutputPipe | undefined;
  /** Ends its whole process tree, after which it exits. */
  kill: () => void;
  /** Looks whether the tree has gone over its memory. */
  isOverMemory: () => boolean;
}

/** What was seen of it until its end. */
export interface SupervisionResult {
  /** As a shell would say it. */
  code: number;
  stopReason: StopReason | undefined;
  wallMs: number;
  /** The start of its stderr. */
  stderrStart: string;
}

const FIRST_LOOK_MS = 4;
const LOOK_EVERY_MS = 32;
const MAX_COMPLAINT_BYTES = 4000;
/** Nobody is left who could write; should somebody be, the run ends all the same. */
const DRAIN_GRACE_MS = 1000;

/** Holds a program to its limits until it has ended, and hands on its output. */
export async function supervise(
  job: SupervisionInput,
  running: SupervisedProcess,
  started: number,
): Promise<SupervisionResult> {
  let stoppedFor: StopReason | undefined;
  const stop = (reason: StopReason) => {
    if (stoppedFor !== undefined || running.isOver()) return;
    stoppedFor = reason;
    running.kill();
  };
  let watch: NodeJS.Timeout | undefined;
  const look = (afterMs: number) => {
    watch = setTimeout(() => {
      if (running.isOverMemory()) stop('memory');
      look(Math.min(2 * afterMs, LOOK_EVERY_MS));
    }, afterMs);
  };
  // Soon at first, so that something is seen of a short program where looking is the only measure.
  look(FIRST_LOOK_MS);
  const clock = setTimeout(() => stop('wall'), job.limits.wallMs);
  const cancel = () => stop('cancelled');
  job.signal?.addEventListener('abort', cancel, { once: true });
  if (job.signal?.aborted === true) cancel();

  let complaint = '';
  const onRefused = () => stop('output');
  const drains = [
    new PipeReader(running.stdout, job.onStdout, onRefused),
    new PipeReader(
      running.stderr,
      (chunk) => {
        if (complaint.length < MAX_COMPLAINT_BYTES) complaint += chunk.toString('latin1', 0, MAX_COMPLAINT_BYTES);
        return job.onStderr(chunk);
      },
      onRefused,
    ),
  ];
  if (running.result !== undefined && job.onResult !== undefined)
    drains.push(new PipeReader(running.result, job.onResult, onRefused));
  try {
    const code = await running.exited;
    const wallMs = performance.now() - started;
    return { code, stopReason: stoppedFor, wallMs, stderrStart: complaint };
  } finally {
    clearTimeout(watch);
    clearTimeout(clock);
    job.signal?.removeEventListener('abort', cancel);
    const isVacated = running.hasNoWriters?.() === true;
    await Promise.all(drains.map((drain) => drain.finish(isVacated)));
  }
}

/**
 * Reads a pipe until nobody can write to it any more. Once `take` refuses nothing more is read, so that the writer is held up
 * until it is gone; the pipe is given back when this end is closed too.
 */
class PipeReader {
  readonly #reader: number;
  readonly #socket: Socket;
  readonly #take: (chunk: Buffer) => void;
  readonly #closed: Promise<void>;
  #refused = false;

  constructor({ reader, release }: OutputPipe, take: (chunk: Buffer) => boolean, onRefused: () => void) {
    const socket = new Socket({ fd: reader, readable: true, writable: false });
    this.#reader = reader;
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

  /** The writers are gone: reads what is left, unless that is not wanted. */
  async finish(isVacated: boolean): Promise<void> {
    if (isVacated) this.#takeRest();
    if (isVacated || this.#refused) this.#socket.destroy();
    if (isVacated) return;
    const grace = setTimeout(() => this.#socket.destroy(), DRAIN_GRACE_MS);
    await this.#closed;
    clearTimeout(grace);
  }

  #takeRest(): void {
    // What was read already comes first.
    this.#socket.read();
    // Until then the descriptor is this socket's, and nobody else's.
    while (!this.#refused && !this.#socket.destroyed) {
      const size = readNow(this.#reader);
      if (size === 0) return;
      this.#take(Buffer.from(SCRATCH.subarray(0, size)));
    }
  }
}

/** As much as a pipe holds. */
const SCRATCH = Buffer.allocUnsafeSlow(64 * 1024);

/** How many bytes there were. */
function readNow(fd: number): number {
  try {
    return readSync(fd, SCRATCH);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0;
    throw error;
  }
}

/** Ends a sandbox by its first process: all the others end before anybody hears of it. */
export function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was gone already, and its monitor is about to say so.
  }
}

export function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Resolves when the process is gone, with its exit code as a shell would say it. Rejects where it could not be started. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : signalNumber(signal))));
  });
}

function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}
