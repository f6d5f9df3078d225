import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { asError } from '#lib/errors';
import { unavailableFrom } from '#lib/store/engines/sqlite/errors';
import type { WorkerReply, WorkerTask } from '#lib/store/engines/sqlite/worker-messages';
import { StoreUnavailable } from '#lib/store/errors';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

/** A worker thread costs some MB, so it ends when it has been idle for this long. */
const IDLE_MS = 10 * SECOND_MS;
const MAX_PENDING = 64;
const TASK_TIMEOUT_MS = MINUTE_MS;
const CHECK_TIMEOUT_MS = 60 * MINUTE_MS;

type TaskInput = WorkerTask extends infer Task ? (Task extends { id: number } ? Omit<Task, 'id'> : never) : never;

interface PendingTask {
  resolve: (rows: unknown[]) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

/** Runs tasks in one worker thread, in turn, and starts the thread when there is a task. */
export class WorkerClient {
  readonly #file: string;
  readonly #pending = new Map<number, PendingTask>();
  #worker: Worker | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastId = 0;
  #isClosed = false;

  constructor(file: string) {
    this.#file = file;
  }

  run(task: TaskInput): Promise<unknown[]> {
    if (this.#isClosed) return Promise.reject(new StoreUnavailable('closed'));
    if (this.#pending.size >= MAX_PENDING)
      return Promise.reject(new StoreUnavailable('queue_full', 'Too many reports are waiting. Try again in a moment.'));
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timeoutMs = task.kind === 'check' ? CHECK_TIMEOUT_MS : TASK_TIMEOUT_MS;
      const timer = setTimeout(() => this.#stop(tooSlow(timeoutMs)), timeoutMs).unref();
      this.#pending.set(id, { resolve, reject, timer });
      const worker = this.#start();
      worker.ref();
      worker.postMessage({ ...task, id });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#stop(new StoreUnavailable('closed'));
  }

  #start(): Worker {
    clearTimeout(this.#idleTimer);
    if (this.#worker !== undefined) return this.#worker;
    const program = join(/* turbopackIgnore: true */ process.cwd(), 'lib/store/engines/sqlite/worker.ts');
    const worker = new Worker(program, {
      workerData: { file: this.#file },
      name: 'store',
      execArgv: [],
      stderr: false,
      resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 },
    });
    this.#worker = worker;
    worker.on('message', (reply: WorkerReply) => this.#settle(reply));
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new Error('the worker thread of the store ended')));
    return worker;
  }

  #settle(reply: WorkerReply): void {
    const task = this.#pending.get(reply.id);
    if (task === undefined) return;
    this.#pending.delete(reply.id);
    clearTimeout(task.timer);
    if ('rows' in reply) task.resolve(reply.rows);
    else {
      const error = Object.assign(
        new Error(reply.error),
        reply.errcode === undefined ? {} : { errcode: reply.errcode },
      );
      task.reject(unavailableFrom(error) ?? error);
    }
    if (this.#pending.size > 0) return;
    this.#worker?.unref();
    this.#idleTimer = setTimeout(() => void this.#stop(new StoreUnavailable('closed')), IDLE_MS).unref();
  }

  #fail(worker: Worker, thrown: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#rejectAll(new StoreUnavailable('failed', undefined, asError(thrown)));
  }

  async #stop(error: Error): Promise<void> {
    clearTimeout(this.#idleTimer);
    const worker = this.#worker;
    this.#worker = undefined;
    this.#rejectAll(error);
    await worker?.terminate();
  }

  #rejectAll(error: Error): void {
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#pending.clear();
  }
}

function tooSlow(timeoutMs: number): Error {
  return new StoreUnavailable('failed', `The report took longer than ${timeoutMs / SECOND_MS} seconds. Ask for less.`);
}
