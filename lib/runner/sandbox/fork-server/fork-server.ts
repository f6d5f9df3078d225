import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { NO_ENVIRONMENT } from '#lib/runner/sandbox/fork-server/spawn-options';

/** A descriptor of this process for a spawned one, which gets an own offset. */
export interface InheritedFd {
  fd: number;
  /** `path`: an `O_PATH` descriptor, which names a place and cannot be read. */
  as: 'file' | 'path' | 'pipe to read' | 'pipe to write';
}

export interface SpawnRequest {
  executable: string;
  args: readonly string[];
  /** User and group; undefined: those of this process. */
  uid: number | undefined;
  /** By their number in the new process; undefined: /dev/null or closed. */
  descriptors: readonly (InheritedFd | undefined)[];
}

export interface SpawnedProcess {
  /**
   * Resolves with the process id once the process has its descriptors, which can be closed here
   * from then on. Rejects if it cannot be started.
   */
  started: Promise<number>;
  /** Undefined until `started`. */
  readonly pid: number | undefined;
  /** Resolves with the exit code as a shell reports it. Rejects if it cannot be started. */
  exited: Promise<number>;
}

export type ForkServerRequest = { id: number } & Pick<SpawnRequest, 'executable' | 'args'> & {
    uid: number | null;
    descriptors: readonly (InheritedFd | null)[];
  };
export type ForkServerEvent =
  | { id: number; type: 'started'; pid: number }
  | { id: number; type: 'failed'; reason: string }
  | { id: number; type: 'ended'; code: number };

interface PendingSpawn {
  started: PromiseWithResolvers<number>;
  exited: PromiseWithResolvers<number>;
  pid: number | undefined;
}

/** The process ends after so long without children. */
const IDLE_MS = 60_000;
const KILLED = 137;
/** A small heap and no helper threads: it only starts processes. */
const NODE_FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--disable-warning=ExperimentalWarning'];

/**
 * A fork server (zygote): starts processes out of a small process. `fork` copies the page tables
 * of its caller, which blocks a large server for milliseconds. See
 * docs/decisions/0006-fork-server.md.
 *
 * It ends with this process. Its children end with it if they ask the kernel for that
 * (bubblewrap's `--die-with-parent`).
 */
export class ForkServer {
  readonly #pending = new Map<number, PendingSpawn>();
  #child: ChildProcess | undefined;
  #count = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  spawn({ executable, args, uid, descriptors }: SpawnRequest): SpawnedProcess {
    clearTimeout(this.#idleTimer);
    this.#child ??= this.#fork();
    this.#count += 1;
    const id = this.#count;
    const pending: PendingSpawn = { started: Promise.withResolvers(), exited: Promise.withResolvers(), pid: undefined };
    // A rejection that has no listener must not end the server.
    pending.started.promise.catch(() => {});
    pending.exited.promise.catch(() => {});
    this.#pending.set(id, pending);
    this.#child.ref();
    this.#child.channel?.ref();
    const request: ForkServerRequest = {
      ...{ id, executable, args },
      uid: uid ?? null,
      descriptors: descriptors.map((descriptor) => descriptor ?? null),
    };
    this.#child.send(request, (error) => {
      if (error !== null) this.#fail(id, error.message);
    });
    return {
      started: pending.started.promise,
      exited: pending.exited.promise,
      get pid() {
        return pending.pid;
      },
    };
  }

  close(): void {
    clearTimeout(this.#idleTimer);
    if (this.#child?.connected === true) this.#child.disconnect();
    this.#child = undefined;
  }

  #fork(): ChildProcess {
    const script = 'lib/runner/sandbox/fork-server/fork-server-process.ts';
    const child = fork(join(/* turbopackIgnore: true */ process.cwd(), script), [], {
      execPath: process.execPath,
      execArgv: NODE_FLAGS,
      env: NO_ENVIRONMENT,
      // In a session apart: the signals of a terminal reach the server only.
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (event: ForkServerEvent) => this.#receive(event));
    child.on('error', (error) => this.#handleExit(child, error.message));
    child.on('exit', (code, signal) => this.#handleExit(child, `it ended with ${signal ?? code}`));
    return child;
  }

  #receive(event: ForkServerEvent): void {
    const pending = this.#pending.get(event.id);
    if (pending === undefined) return;
    if (event.type === 'started') {
      pending.pid = event.pid;
      pending.started.resolve(event.pid);
    } else if (event.type === 'failed') this.#fail(event.id, event.reason);
    else {
      pending.exited.resolve(event.code);
      this.#settle(event.id);
    }
  }

  #fail(id: number, reason: string): void {
    const pending = this.#pending.get(id);
    const error = new Error(`the process could not be started: ${reason}`);
    pending?.started.reject(error);
    pending?.exited.reject(error);
    this.#settle(id);
  }

  #settle(id: number): void {
    this.#pending.delete(id);
    if (this.#pending.size > 0) return;
    this.#child?.unref();
    this.#child?.channel?.unref();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => this.close(), IDLE_MS).unref();
  }

  /** The children of the process end with it; the next spawn starts another one. */
  #handleExit(child: ChildProcess, reason: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const [id, { pid, exited }] of [...this.#pending]) {
      if (pid === undefined) this.#fail(id, reason);
      else {
        exited.resolve(KILLED);
        this.#settle(id);
      }
    }
  }
}
