import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Fault } from '#lib/fault';
import { abortable } from '#lib/models/abort';
import { EventQueue } from '#lib/models/embedded/event-queue';
import type { ChildSettings, FromChild, ToChild } from '#lib/models/embedded/protocol';
import type { ModelEvent, ModelRequest } from '#lib/models/provider';
import { log } from '#lib/observe/log';

export interface HostOptions {
  /** The GGUF file. */
  path: string;
  contextTokens: number;
  /** 0 is all cores but one. */
  threads: number;
  /** The child's program. From the project's root, since bundlers move modules. */
  program?: string;
  /** How long a child that was told to stop may take before it is ended. */
  stopTimeoutMs?: number;
}

/** Between two batches of a long prompt a model looks at its signal: that takes seconds at most. */
const STOP_TIMEOUT_MS = 15_000;
const STDERR_CHARACTERS = 2_000;

interface Running {
  id: number;
  events: EventQueue<ModelEvent>;
  /** Resolves when the child can take the next request. */
  freed: PromiseWithResolvers<void>;
}

interface Child {
  process: ChildProcess;
  ready: Promise<void>;
  isReady: boolean;
  running: Running | undefined;
  exited: Promise<unknown>;
}

/** All that the child is given of our environment: what a native library and a temporary file need. */
const CHILD_ENVIRONMENT = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'LC_ALL', 'TZ', 'LD_LIBRARY_PATH', 'SYSTEMROOT'];

/**
 * Keeps the child process that runs the model: started at the first need, started again after it died. Requests run one
 * after another, in the order in which they came.
 */
export class EmbeddedHost {
  readonly #options: Required<HostOptions>;
  #child: Child | undefined;
  #tail: Promise<void> = Promise.resolve();
  #lastId = 0;
  #closed = false;

  constructor(options: HostOptions) {
    this.#options = {
      program: join(/* turbopackIgnore: true */ process.cwd(), 'lib/models/embedded/child.ts'),
      stopTimeoutMs: STOP_TIMEOUT_MS,
      ...options,
    };
  }

  /** Whether the model is in memory. */
  get loaded(): boolean {
    return this.#child?.isReady ?? false;
  }

  /** The child's process id, while there is one. */
  get pid(): number | undefined {
    return this.#child?.process.pid;
  }

  /** Resolves when the model is in memory. */
  async load(signal: AbortSignal): Promise<void> {
    await abortable(this.#start().ready, signal);
  }

  async *chat(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    signal.throwIfAborted();
    const slot = this.#takeSlot();
    let running: Running | undefined;
    try {
      await abortable(slot.taken, signal);
      const child = this.#start();
      await abortable(child.ready, signal);
      running = this.#send(child, request);
      const { id, events } = running;
      const stop = () => {
        events.cut(signal.reason);
        this.#stop(child, id);
      };
      signal.addEventListener('abort', stop, { once: true });
      let whole = false;
      try {
        yield* events;
        whole = true;
      } finally {
        signal.removeEventListener('abort', stop);
        if (!whole) this.#stop(child, id);
      }
    } finally {
      // The next one waits for the model, not for whoever read this answer.
      if (running === undefined) slot.release();
      else void running.freed.promise.then(slot.release);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    // It keeps nothing that would have to be saved.
    child.process.kill('SIGKILL');
    await child.exited;
  }

  #takeSlot(): { taken: Promise<void>; release: () => void } {
    const taken = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    // One that gives up waiting must not let the next one overtake those before it.
    this.#tail = taken.then(() => promise);
    return { taken, release: resolve };
  }

  #send(child: Child, request: ModelRequest): Running {
    const running: Running = { id: ++this.#lastId, events: new EventQueue(), freed: Promise.withResolvers<void>() };
    child.running = running;
    hold(child);
    void running.freed.promise.then(() => release(child));
    const message: ToChild = { type: 'chat', id: running.id, request };
    child.process.send(message, (error) => {
      if (error) child.process.kill('SIGKILL');
    });
    return running;
  }

  #stop(child: Child, id: number): void {
    if (child.running?.id !== id || !child.process.connected) return;
    const message: ToChild = { type: 'stop', id };
    child.process.send(message, () => {});
    const timer = setTimeout(() => {
      if (child.running?.id === id) child.process.kill('SIGKILL');
    }, this.#options.stopTimeoutMs);
    timer.unref();
    void child.running.freed.promise.then(() => clearTimeout(timer));
  }

  #start(): Child {
    if (this.#closed) throw new Fault('shutting_down', 'The server is shutting down.');
    this.#child ??= this.#fork();
    return this.#child;
  }

  #fork(): Child {
    const { path, contextTokens, threads, program } = this.#options;
    const settings: ChildSettings = { path, contextTokens, threads: threads === 0 ? defaultThreads() : threads };
    const childProcess = fork(/* turbopackIgnore: true */ program, [JSON.stringify(settings)], {
      execPath: process.execPath,
      execArgv: [],
      // Neither keys and addresses, nor what the server itself was started with (a debugger, a loader, heap sizes).
      env: { NODE_ENV: 'production', ...pick(process.env, CHILD_ENVIRONMENT) },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const loading = Promise.withResolvers<void>();
    let stderr = '';
    childProcess.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-STDERR_CHARACTERS);
    });
    const exited = Promise.withResolvers<void>();
    const child: Child = {
      process: childProcess,
      ready: loading.promise,
      isReady: false,
      running: undefined,
      exited: exited.promise,
    };
    let ended = false;
    const end = (how: string) => {
      if (ended) return;
      ended = true;
      if (this.#child === child) this.#child = undefined;
      loading.reject(
        new Fault('model_load_failed', 'The built-in model could not be loaded; the log says why.', { cause: how }),
      );
      if (!this.#closed) log().error({ how, stderr }, 'the process of the built-in model ended');
      child.running?.events.fail(
        new Fault('upstream_failed', 'The built-in model stopped in the middle of the answer; ask again.'),
      );
      child.running?.freed.resolve();
      child.running = undefined;
      exited.resolve();
    };
    childProcess.on('error', (error) => end(error.message));
    childProcess.on('exit', (code, signal) => end(signal ?? `exit code ${code}`));
    childProcess.on('message', (message: FromChild) => {
      if (message.type === 'ready') {
        child.isReady = true;
        loading.resolve();
      } else if (message.type === 'not_loaded') {
        log().error({ reason: message.reason }, 'the built-in model could not be loaded');
      } else receive(child, message);
    });
    void loading.promise.then(() => release(child)).catch(() => {});
    return child;
  }
}

function receive(child: Child, message: Extract<FromChild, { id: number }>): void {
  const { running } = child;
  if (running?.id !== message.id) return;
  if (message.type === 'event') {
    running.events.push(message.event);
    if (message.event.type === 'done') running.events.end();
  } else if (message.type === 'fault') {
    running.events.fail(new Fault(message.code, message.message));
  } else {
    running.events.fail(new Fault('upstream_truncated', 'The built-in model ended its answer before it was done.'));
    child.running = undefined;
    running.freed.resolve();
  }
}

/** While the model works, its process keeps ours alive; while it is idle, it does not. */
function hold({ process: childProcess }: Child): void {
  childProcess.ref();
  childProcess.channel?.ref();
  if (childProcess.stderr instanceof Socket) childProcess.stderr.ref();
}

function release({ process: childProcess, running }: Child): void {
  if (running !== undefined) return;
  childProcess.unref();
  childProcess.channel?.unref();
  if (childProcess.stderr instanceof Socket) childProcess.stderr.unref();
}

/** One core is left to the server: llama.cpp's threads spin while they wait for each other, and starve what they share a core with. */
function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}

function pick(environment: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, environment[name]]));
}
