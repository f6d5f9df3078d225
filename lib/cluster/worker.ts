import { setTimeout as delay } from 'node:timers/promises';
import { type Job, WaitingError, Worker } from 'bullmq';
import { Redis, type RedisOptions } from 'ioredis';
import { runOf, turnOf } from '#lib/cluster/lane-queue';
import { repliesOf } from '#lib/cluster/replies';
import type { SharedBatches } from '#lib/cluster/shared-batches';
import type { RunOutcome, RunProcessor, TakenRun } from '#lib/cluster/shared-types';
import type { SharedTurn } from '#lib/cluster/turns';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** A job whose worker has not renewed its lock for so long is lost. */
const LOCK_MS = 10 * SECOND_MS;
/** How often one of the workers looks for lost jobs. The second look that finds one moves it. */
const STALLED_INTERVAL_MS = 3 * SECOND_MS;
/** The processor decides when a run is lost. */
const MAX_STALLS = 1_000_000;
/**
 * Where a lane is full, BullMQ wakes no worker for a new job, and a worker that closes leaves its
 * slot without one: others see it when their blocking read ends.
 */
const BLOCK_SECONDS = 1;
/** For the end of jobs and connections. */
const CLOSE_MS = SECOND_MS;
/** After a failed command; BullMQ's own is 15 s. */
const RETRY_MS = 500;

export interface LaneWorkerOptions {
  readonly lane: string;
  readonly slots: number;
  /** The prefix of BullMQ's keys. */
  readonly prefix: string;
  /** Of Redis, for the connections of the worker. */
  readonly connectionOptions: Omit<RedisOptions, 'replyMapping'>;
  readonly process: RunProcessor;
  readonly batches: Pick<SharedBatches, 'noteTaken' | 'prepare'>;
  readonly onTaken: TakenListener;
}

/**
 * Called when a worker has taken a run for the first time: with `inTurn` the head of its line, not
 * one that a batch has put before it. `turn` is absent in a job of another version.
 */
export type TakenListener = (lane: string, run: string, turn: SharedTurn | undefined, inTurn: boolean) => void;

/**
 * Takes runs from the line of a lane, and gives each to the processor. A BullMQ worker that hangs
 * is replaced by `renew`; what it has goes on.
 */
export class LaneWorker {
  readonly #options: LaneWorkerOptions;
  #current: Attempt | undefined;
  readonly #retired = new Set<Attempt>();
  #slots: number;
  #isPaused = false;
  #isClosed = false;

  constructor(options: LaneWorkerOptions) {
    this.#options = options;
    this.#slots = options.slots;
    this.#current = this.#start();
  }

  /** Runs that it has. */
  get running(): number {
    let running = this.#current?.running.size ?? 0;
    for (const { running: old } of this.#retired) running += old.size;
    return running;
  }

  /** When it took a run last, or began. */
  get lastTakenAt(): number {
    return this.#current?.lastTakenAt ?? 0;
  }

  /** Whether it takes runs, as far as it knows. */
  get isTaking(): boolean {
    return !this.#isPaused && !this.#isClosed;
  }

  /** BullMQ has given up. */
  get hasEnded(): boolean {
    return this.isTaking && this.#current?.worker.isRunning() === false;
  }

  /** How many runs it may have at a time, from now on. */
  setSlots(slots: number): void {
    this.#slots = slots;
    if (this.#current !== undefined) this.#current.worker.concurrency = slots;
  }

  /** Takes nothing any more; what it has goes on, and its locks are renewed. */
  pause(): void {
    if (this.#isPaused || this.#isClosed) return;
    this.#isPaused = true;
    void this.#current?.worker.pause(true);
  }

  resume(): void {
    if (!this.#isPaused || this.#isClosed) return;
    this.#isPaused = false;
    void this.#current?.worker.resume();
  }

  /** Begins again with new connections. */
  renew(): void {
    const old = this.#current;
    if (this.#isClosed || old === undefined) return;
    this.#retired.add(old);
    void old.worker.pause(true);
    this.#current = this.#start();
    if (this.#isPaused) void this.#current.worker.pause(true);
    this.#closeIfIdle(old);
  }

  /** Frees the connections. Runs that it still has are lost: another worker takes them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...(this.#current === undefined ? [] : [this.#current]), ...this.#retired];
    this.#current = undefined;
    this.#retired.clear();
    await Promise.all(all.map(closeAttempt));
  }

  #start(): Attempt {
    const { lane, prefix, connectionOptions } = this.#options;
    const client = new Redis({
      ...connectionOptions,
      // It waits for Redis as long as it takes.
      lazyConnect: false,
      maxRetriesPerRequest: null,
    });
    // The request path reports that Redis is away.
    client.on('error', () => {});
    const running = new Map<string, string>();
    const worker = new Worker(
      lane,
      (job, token, signal) => this.#process(attempt, job, token ?? '', signal ?? new AbortController().signal),
      {
        connection: client,
        prefix,
        concurrency: this.#slots,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_INTERVAL_MS,
        maxStalledCount: MAX_STALLS,
        drainDelay: BLOCK_SECONDS,
        runRetryDelay: RETRY_MS,
        skipVersionCheck: true,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      },
    );
    const attempt: Attempt = { worker, client, running, begun: new WeakMap(), lastTakenAt: Date.now() };
    worker.on('active', (job) => void this.#begin(attempt, job, job.token ?? ''));
    worker.on('error', (error) => {
      // BullMQ asks again at once where Redis responds with an error, such as of a full memory.
      void worker.pause(true);
      setTimeout(() => {
        if (attempt === this.#current && this.isTaking) void worker.resume();
      }, RETRY_MS).unref();
      if (client.status === 'ready' && !this.#isClosed)
        log().warn({ part: 'queue', lane, reason: error.message }, 'a worker of the shared queue reports a problem');
    });
    // Locks run out while Redis is away. The worker that is back first keeps its jobs.
    client.on('ready', () => void keepLocks(attempt, [...running.keys()]));
    worker.on('lockRenewalFailed', (jobs) => void keepLocks(attempt, jobs));
    return attempt;
  }

  /**
   * Begins a run, unless this worker takes nothing any more. Called as soon as its job is there:
   * BullMQ calls the processor after it has asked for a further job.
   */
  #begin(attempt: Attempt, job: Job, token: string): BegunJob | undefined {
    const { lane, batches } = this.#options;
    if (!this.isTaking || attempt !== this.#current) return undefined;
    const id = job.id ?? '';
    const run = runOf(id);
    attempt.lastTakenAt = Date.now();
    attempt.running.set(id, token);
    const abort = new AbortController();
    const isFirst = job.attemptsStarted <= 1;
    const taken = { run, lane, stalled: job.stalledCounter, isFirst, signal: abort.signal };
    const note = once(() => {
      this.#handleTaken(job);
      batches.noteTaken(lane, run, job.name);
    });
    // What is counted goes to Redis behind what begins the run: its reader waits for that.
    setImmediate(note);
    const begun = { outcome: this.#run(job, taken), abort, note };
    attempt.begun.set(job, begun);
    return begun;
  }

  #handleTaken(job: Job): void {
    const { lane, onTaken } = this.#options;
    if (job.attemptsStarted <= 1) onTaken(lane, runOf(job.id ?? ''), turnOf(job), job.priority > 0);
  }

  async #process(attempt: Attempt, job: Job, token: string, signal: AbortSignal): Promise<void> {
    const { lane, batches } = this.#options;
    const begun = attempt.begun.get(job) ?? this.#begin(attempt, job, token);
    // It was fetched while the worker was paused.
    if (begun === undefined) {
      this.#handleTaken(job);
      return await handBack(job, token);
    }
    const id = job.id ?? '';
    const handleLoss = () => begun.abort.abort(signal.reason);
    signal.addEventListener('abort', handleLoss, { once: true });
    if (signal.aborted) handleLoss();
    try {
      const outcome = await begun.outcome;
      begun.note();
      if (outcome === 'ended') {
        await batches.prepare(lane);
        return;
      }
      // This instance stops: it must not take the run again.
      this.pause();
      await handBack(job, token);
    } finally {
      signal.removeEventListener('abort', handleLoss);
      // It may have the job a second time: the lock of the first one has run out.
      if (attempt.running.get(id) === token) attempt.running.delete(id);
      setImmediate(() => this.#closeIfIdle(attempt));
    }
  }

  /** Never rejects: BullMQ would keep a job that fails. */
  async #run({ id }: Job, taken: TakenRun): Promise<RunOutcome> {
    try {
      return await this.#options.process(taken);
    } catch (error) {
      log().error({ part: 'queue', job: id, err: asError(error) }, 'a run of the shared queue failed unexpectedly');
      return 'ended';
    }
  }

  #closeIfIdle(attempt: Attempt): void {
    if (attempt.running.size > 0 || !this.#retired.delete(attempt)) return;
    // A moment for BullMQ to end the last job.
    setTimeout(() => void closeAttempt(attempt), SECOND_MS).unref();
  }
}

/** A job that is worked on. */
interface BegunJob {
  readonly outcome: Promise<RunOutcome>;
  /** For a job that another worker gets. */
  readonly abort: AbortController;
  /** Counts it as taken, once. */
  readonly note: () => void;
}

interface Attempt {
  readonly worker: Worker;
  readonly client: Redis;
  /** The tokens of its locks, by the ids of its jobs. */
  readonly running: Map<string, string>;
  readonly begun: WeakMap<Job, BegunJob>;
  lastTakenAt: number;
}

/**
 * Takes locks again that have run out, for jobs that no other worker has. Others are aborted. Never
 * rejects.
 */
async function keepLocks({ worker, client, running }: Attempt, ids: readonly string[]): Promise<void> {
  await Promise.all(
    ids.map(async (id) => {
      const token = running.get(id);
      if (token === undefined) return;
      const lock = worker.toKey(`${id}:lock`);
      try {
        const [, owner, place] = repliesOf(
          await client.multi().set(lock, token, 'PX', LOCK_MS, 'NX').get(lock).lpos(worker.toKey('active'), id).exec(),
        );
        if (owner === token && place !== null) return;
        worker.cancelJob(id, 'another worker has the job');
      } catch {
        // Redis is away again: it is tried once it is back.
      }
    }),
  );
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}

/** Puts a job back to its place. Throws what makes BullMQ do so. */
async function handBack(job: Job, token: string): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}

async function closeAttempt({ worker, client, running }: Attempt): Promise<void> {
  // A job that has just ended is removed, so that it keeps no slot.
  const closing = worker.close(running.size > 0).catch((error: unknown) => {
    log().debug({ part: 'queue', reason: asError(error).message }, 'a worker of the shared queue closed with an error');
  });
  await Promise.race([closing, delay(CLOSE_MS, undefined, { ref: false })]);
  client.disconnect();
  // Its blocking connection, if it has not closed.
  await Promise.race([worker.disconnect().catch(() => {}), delay(CLOSE_MS, undefined, { ref: false })]);
}
