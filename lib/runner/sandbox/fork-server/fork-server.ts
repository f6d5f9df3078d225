import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { NO_ENVIRONMENT } from '#lib/runner/sandbox/fork-server/spawn-options';

/**
 * A descriptor of this process that a spawned one is to have. What it stands for is opened anew, so that it has an offset of its
 * own. `path`: as `O_PATH`, which stands for a place and reads nothing.
 */
export interface InheritedFd {
  fd: number;
  as: 'file' | 'path' | 'pipe to read' | 'pipe to write';
}

export interface SpawnRequest {
  executable: string;
  args: readonly string[];
  /** User and group; undefined: as this process. */
  uid: number | undefined;
  /** By their number there; where there is none, /dev/null or nothing. */
  descriptors: readonly (InheritedFd | undefined)[];
}

/** A process that was asked for. */
export interface SpawnedProcess {
  /** Its id, once it is there and has its descriptors: from then on they can be closed here. Rejects where it cannot be started. */
  started: Promise<number>;
  /** Undefined before that. */
  readonly pid: number | undefined;
  /** Resolves with its exit code, as a shell would say it, when it has ended. Rejects where it cannot be started. */
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

/** So long without any process of its, and it is ended. */
const IDLE_MS = 60_000;
const KILLED = 137;
/** It only starts processes: little heap, no threads to compile or collect beside it. */
const FLAGS = ['--max-semi-space-size=1', '--v8-pool-size=0', '--disable-warning=ExperimentalWarning'];

/**
 * Starts processes out of a small one. `fork` copies the page tables of whoever calls it, and the copy is thrown away at once: out of
 * a server it takes several milliseconds, in which the server does nothing else, and answers nobody.
 *
 * All that it has started dies with it, and it with this process, as long as they ask the kernel for that (bubblewrap's
 * `--die-with-parent`).
 */
export class ForkServer {
  readonly #orders = new Map<number, PendingSpawn>();
  #child: ChildProcess | undefined;
  #count = 0;
  #idle: NodeJS.Timeout | undefined;

  spawn({ executable, args, uid, descriptors }: SpawnRequest): SpawnedProcess {
    clearTimeout(this.#idle);
    this.#child ??= this.#fork();
    this.#count += 1;
    const id = this.#count;
    const order: PendingSpawn = { started: Promise.withResolvers(), exited: Promise.withResolvers(), pid: undefined };
    // Each rejection reaches whoever waits for that promise; one that nobody waits for must not end the server.
    order.started.promise.catch(() => {});
    order.exited.promise.catch(() => {});
    this.#orders.set(id, order);
    this.#child.ref();
    this.#child.channel?.ref();
    const message: ForkServerRequest = {
      ...{ id, executable, args },
      uid: uid ?? null,
      descriptors: descriptors.map((descriptor) => descriptor ?? null),
    };
    this.#child.send(message, (error) => {
      if (error !== null) this.#failed(id, error.message);
    });
    return {
      started: order.started.promise,
      exited: order.exited.promise,
      get pid() {
        return order.pid;
      },
    };
  }

  close(): void {
    clearTimeout(this.#idle);
    if (this.#child?.connected === true) this.#child.disconnect();
    this.#child = undefined;
  }

  #fork(): ChildProcess {
    const child = fork(
      join(/* turbopackIgnore: true */ process.cwd(), 'lib/runner/sandbox/fork-server/fork-server-process.ts'),
      [],
      {
        execPath: process.execPath,
        execArgv: FLAGS,
        env: NO_ENVIRONMENT,
        // In a session of its own: what is typed at the server's terminal is the server's to answer.
        detached: true,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    child.on('message', (message: ForkServerEvent) => this.#receive(message));
    child.on('error', (error) => this.#lost(child, error.message));
    child.on('exit', (code, signal) => this.#lost(child, `it ended with ${signal ?? code}`));
    return child;
  }

  #receive(message: ForkServerEvent): void {
    const order = this.#orders.get(message.id);
    if (order === undefined) return;
    if (message.type === 'started') {
      order.pid = message.pid;
      order.started.resolve(message.pid);
    } else if (message.type === 'failed') this.#failed(message.id, message.reason);
    else {
      order.exited.resolve(message.code);
      this.#done(message.id);
    }
  }

  #failed(id: number, reason: string): void {
    const order = this.#orders.get(id);
    const error = new Error(`the process could not be started: ${reason}`);
    order?.started.reject(error);
    order?.exited.reject(error);
    this.#done(id);
  }

  #done(id: number): void {
    this.#orders.delete(id);
    if (this.#orders.size > 0) return;
    this.#child?.unref();
    this.#child?.channel?.unref();
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.close(), IDLE_MS).unref();
  }

  /** What it had started is about to die with it, and the next process needs another. */
  #lost(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    for (const [id, { pid, exited }] of [...this.#orders]) {
      if (pid === undefined) this.#failed(id, how);
      else {
        exited.resolve(KILLED);
        this.#done(id);
      }
    }
  }
}
