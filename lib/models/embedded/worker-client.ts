import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AppError } from '#lib/errors';
import { abortable } from '#lib/models/abortable';
import type { EmbeddedWorker, ModelFile } from '#lib/models/embedded/embedded-worker';
import type { WorkerCommand, WorkerMessage, WorkerSettings } from '#lib/models/embedded/worker-protocol';
import type { ModelEvent, ModelEventListener, ModelRequest } from '#lib/models/provider';
import { log } from '#lib/telemetry/log';
import type { Message } from '#lib/wire/chat';

export interface WorkerClientOptions extends ModelFile {
  /** The worker's program, relative to the project: bundlers move modules. */
  program?: string;
  /** A worker that does not stop within this time is killed. */
  stopTimeoutMs?: number;
  /** Called when `loaded` has changed. */
  onChange?: () => void;
}

/** A model checks its signal between two batches of a prompt, which takes seconds at most. */
const STOP_TIMEOUT_MS = 15_000;
const STDERR_CHARACTERS = 2_000;

/** One response that the worker generates. */
class ActiveChat {
  readonly id: number;
  /** Resolves when the worker can take the next request. */
  readonly freed = Promise.withResolvers<void>();
  readonly #emit: ModelEventListener;
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;

  constructor(id: number, emit: ModelEventListener) {
    this.id = id;
    this.#emit = emit;
  }

  /** Resolves after `done`. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  receive(event: ModelEvent): void {
    if (this.#isOver) return;
    this.#emit(event);
    if (event.type !== 'done') return;
    this.#isOver = true;
    this.#ended.resolve();
  }

  /** Has no effect once it has ended. */
  fail(error: unknown): void {
    this.#isOver = true;
    this.#ended.reject(error);
  }
}

interface WorkerProcess {
  process: ChildProcess;
  ready: Promise<void>;
  isReady: boolean;
  running: ActiveChat | undefined;
  /** Counts of tokens that were not received yet, by their id. */
  counts: Map<number, PromiseWithResolvers<number | undefined>>;
  exited: Promise<unknown>;
}

/** The only variables that the worker inherits: a native library and temporary files need them. */
const WORKER_ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH', 'SYSTEMROOT'];

/**
 * Starts the worker process at the first request, and again after it ended. Requests run one after
 * another, first come, first served.
 */
export class EmbeddedWorkerClient implements EmbeddedWorker {
  readonly #options: Required<WorkerClientOptions>;
  #child: WorkerProcess | undefined;
  #tail: Promise<void> = Promise.resolve();
  #lastId = 0;
  #closed = false;

  constructor(options: WorkerClientOptions) {
    this.#options = {
      program: join(/* turbopackIgnore: true */ process.cwd(), 'lib/models/embedded/worker.ts'),
      stopTimeoutMs: STOP_TIMEOUT_MS,
      onChange: () => {},
      ...options,
    };
  }

  get loaded(): boolean {
    return this.#child?.isReady ?? false;
  }

  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  async load(signal: AbortSignal): Promise<void> {
    await abortable(this.#start().ready, signal);
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    signal.throwIfAborted();
    const slot = this.#takeSlot();
    let running: ActiveChat | undefined;
    try {
      await abortable(slot.taken, signal);
      const child = this.#start();
      await abortable(child.ready, signal);
      running = this.#send(child, request, emit);
      await this.#untilEnded(child, running, signal);
    } finally {
      // The next request waits for the model, not for the reader of this response.
      if (running === undefined) slot.release();
      else void running.freed.promise.then(slot.release);
    }
  }

  async countTokens(messages: readonly Message[], signal: AbortSignal): Promise<number | undefined> {
    const child = this.#start();
    await abortable(child.ready, signal);
    const id = ++this.#lastId;
    const count = Promise.withResolvers<number | undefined>();
    child.counts.set(id, count);
    refProcess(child);
    const command: WorkerCommand = { type: 'count', id, messages };
    child.process.send(command, (error) => {
      if (error) child.process.kill('SIGKILL');
    });
    try {
      return await abortable(count.promise, signal);
    } finally {
      child.counts.delete(id);
      unrefIfIdle(child);
    }
  }

  async #untilEnded(child: WorkerProcess, running: ActiveChat, signal: AbortSignal): Promise<void> {
    const stop = () => {
      running.fail(signal.reason);
      this.#stop(child, running.id);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      await running.ended;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    // The worker has nothing to save.
    child.process.kill('SIGKILL');
    await child.exited;
  }

  #takeSlot(): { taken: Promise<void>; release: () => void } {
    const taken = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    // A request that stops waiting must not let the next one overtake earlier ones.
    this.#tail = taken.then(() => promise);
    return { taken, release: resolve };
  }

  #send(child: WorkerProcess, request: ModelRequest, emit: ModelEventListener): ActiveChat {
    const running = new ActiveChat(++this.#lastId, emit);
    child.running = running;
    refProcess(child);
    void running.freed.promise.then(() => unrefIfIdle(child));
    const message: WorkerCommand = { type: 'chat', id: running.id, request };
    child.process.send(message, (error) => {
      if (error) child.process.kill('SIGKILL');
    });
    return running;
  }

  #stop(child: WorkerProcess, id: number): void {
    if (child.running?.id !== id || !child.process.connected) return;
    const message: WorkerCommand = { type: 'stop', id };
    child.process.send(message, () => {});
    const timer = setTimeout(() => {
      if (child.running?.id === id) child.process.kill('SIGKILL');
    }, this.#options.stopTimeoutMs);
    timer.unref();
    void child.running.freed.promise.then(() => clearTimeout(timer));
  }

  #start(): WorkerProcess {
    if (this.#closed) throw new AppError('shutting_down', 'The server is shutting down.');
    this.#child ??= this.#fork();
    return this.#child;
  }

  #fork(): WorkerProcess {
    const { path, contextTokens, threads, program } = this.#options;
    const settings: WorkerSettings = { path, contextTokens, threads: threads === 0 ? defaultThreads() : threads };
    const childProcess = fork(/* turbopackIgnore: true */ program, [JSON.stringify(settings)], {
      execPath: process.execPath,
      execArgv: [],
      // No keys or addresses, and no NODE_OPTIONS of the server (debugger, loader, heap sizes).
      env: { NODE_ENV: 'production', ...pick(process.env, WORKER_ENVIRONMENT) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const loading = Promise.withResolvers<void>();
    let stderr = '';
    childProcess.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    const exited = Promise.withResolvers<void>();
    const child: WorkerProcess = {
      process: childProcess,
      ready: loading.promise,
      isReady: false,
      running: undefined,
      counts: new Map(),
      exited: exited.promise,
    };
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      if (this.#child === child) this.#child = undefined;
      this.#options.onChange();
      loading.reject(
        new AppError('model_load_failed', 'The built-in model could not be loaded. The log has the reason.', {
          cause: how,
        }),
      );
      if (!this.#closed) log().error({ how, stderr }, 'the process of the built-in model ended');
      child.running?.fail(
        new AppError('upstream_failed', 'The built-in model stopped before the answer was complete. Try again.'),
      );
      child.running?.freed.resolve();
      child.running = undefined;
      for (const count of child.counts.values()) count.resolve(undefined);
      exited.resolve();
    };
    childProcess.on('error', (error) => end(error.message));
    childProcess.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    childProcess.on('message', (message: WorkerMessage) => {
      if (message.type === 'ready') {
        child.isReady = true;
        loading.resolve();
        this.#options.onChange();
      } else if (message.type === 'not_loaded') {
        log().error({ reason: message.reason }, 'the built-in model could not be loaded');
      } else receive(child, message);
    });
    // Calls of the model report a failed load: they wait for `ready`.
    void loading.promise.then(() => unrefIfIdle(child)).catch(() => {});
    return child;
  }
}

function receive(child: WorkerProcess, message: Extract<WorkerMessage, { id: number }>): void {
  if (message.type === 'counted') {
    child.counts.get(message.id)?.resolve(message.tokens);
    return;
  }
  const { running } = child;
  if (running?.id !== message.id) return;
  if (message.type === 'event') {
    running.receive(message.event);
  } else if (message.type === 'fault') {
    running.fail(new AppError(message.code, message.message));
  } else {
    running.fail(new AppError('upstream_truncated', 'The answer ended early.'));
    child.running = undefined;
    running.freed.resolve();
  }
}

/** A working worker keeps this process alive; an idle one does not. */
function refProcess({ process: childProcess }: WorkerProcess): void {
  childProcess.ref();
  childProcess.channel?.ref();
  if (childProcess.stderr instanceof Socket) childProcess.stderr.ref();
}

function unrefIfIdle({ process: childProcess, running, counts }: WorkerProcess): void {
  if (running !== undefined || counts.size > 0) return;
  childProcess.unref();
  childProcess.channel?.unref();
  if (childProcess.stderr instanceof Socket) childProcess.stderr.unref();
}

/** Leaves a core to the server: llama.cpp's threads spin while they wait for each other. */
function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}
