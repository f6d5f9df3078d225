import type { Clock } from '#lib/chat/clock';
import { Generation } from '#lib/chat/generation/generation';
import type { QueueStatusEvent } from '#lib/chat/generation/generation-log';
import { toAppError } from '#lib/chat/model-error';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import { RunningCalls } from '#lib/chat/scheduler/running-calls';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import { WaitEstimator } from '#lib/chat/scheduler/wait-estimator';
import { type CapacityCheck, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { MemoryAccounting } from '#lib/memory-accounting';
import type { ModelEvent } from '#lib/models/provider';
import type { ResilientChat } from '#lib/models/resilience';
import type { Logger } from '#lib/telemetry/log';
import type { Metrics } from '#lib/telemetry/metrics';
import { runWithRequestId } from '#lib/telemetry/request-context';
import { MIB } from '#lib/units';

/** Share of QUEUE_MAX_MB that one caller may hold, so that some is always left for another. */
const CALLER_SHARE = 1 / 2;
/**
 * Share of QUEUE_MAX_MB for the requests of running responses: they are in the heap, and a second
 * time in the bytes that are sent.
 */
const RUNNING_SHARE = 1 / 4;

/** How long an aborted provider may take to return before its slot is freed without it. */
const ABORT_TIMEOUT_MS = 5_000;

export interface SchedulerOptions {
  settings: Config;
  clock: Clock;
  metrics: Metrics;
  log: Logger;
  /** `ModelProvider.chat` of a provider, with retries, breaker and timeouts around it. */
  call: ResilientChat;
}

/** Queue position, counted from 1; 0 is not waiting. */
export interface QueueStanding {
  queue_position: number;
  queue_length: number;
  /** Milliseconds. */
  estimated_wait_time: number;
}

/** What a slot is for. */
type Work = Generation | RunnableTask;

/**
 * Gives generations and tasks their slots: `QUEUE_MAX_CONCURRENT` run at a time, the others wait in line.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #queue: WaitingQueue<Work>;
  readonly #running: RunningCalls;
  /** Waiting generations whose readers are sent every new position. */
  readonly #watched = new Set<Generation>();
  readonly #estimator: WaitEstimator;
  /** Bytes of requests that are neither in line nor running yet, by caller. */
  readonly #arriving = new MemoryAccounting();
  #isUpdateScheduled = false;
  #tokens = 0;

  constructor(options: SchedulerOptions) {
    const { settings } = options;
    this.#options = options;
    const maxBytes = settings.QUEUE_MAX_MB * MIB;
    this.#running = new RunningCalls({
      maxRequestBytes: maxBytes * RUNNING_SHARE,
      maxResponseBytes: settings.MAX_RESPONSE_MB * MIB,
    });
    this.#queue = new WaitingQueue({
      maxSize: settings.QUEUE_MAX_SIZE,
      maxBytes,
      maxCallerBytes: maxBytes * CALLER_SHARE,
      batch: { maxSize: settings.BATCH_MAX_SIZE, timeoutMs: settings.BATCH_TIMEOUT_MS },
    });
    this.#estimator = new WaitEstimator(settings.QUEUE_ESTIMATED_TIME_PER_REQUEST_MS);
  }

  /** The work that holds a slot. */
  get running(): Iterable<QueuedWork> {
    return this.#running;
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Generated tokens so far. A model server's own count replaces that of the pieces at the end. */
  get tokens(): number {
    return this.#tokens;
  }

  get queueLength(): number {
    return this.#queue.size;
  }

  /** Memory of the waiting generations. */
  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Batches released so far, and the requests in them. */
  get releasedBatches(): { batches: number; requests: number } {
    return this.#queue.releasedBatches;
  }

  /** Moving average of measured generation times, the configured estimate before the first. */
  get averageMs(): number {
    return this.#estimator.averageMs;
  }

  get isAverageMeasured(): boolean {
    return this.#estimator.isMeasured;
  }

  /** All waiting work, in queue order. */
  waiting(): Iterable<{ item: QueuedWork; since: number }> {
    return this.#queue.waiting();
  }

  queueStatus(generation: Generation): QueueStanding {
    const position = generation.state === 'queued' ? (this.#queue.position(generation.id) ?? 0) : 0;
    return {
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(generation, position),
    };
  }

  /**
   * Counts a large request whose model is not resolved yet. Returns the function that stops the
   * count. Throws `queue_full` if there is no memory for it.
   */
  reserve(caller: string, bytes: number): () => void {
    this.#makeRoom(caller, bytes, false);
    this.#arriving.add(caller, bytes);
    return () => this.#arriving.release(caller, bytes);
  }

  /**
   * Makes sure that `work` can be admitted in this turn. Throws `queue_full` if it cannot.
   */
  ensureCapacity(work: Work): void {
    if (this.#canStart(work)) return;
    work.pack();
    this.#makeRoom(work.caller, work.bytes, true);
  }

  /** Starts the work if a slot is free and nothing waits, else adds it to the queue. */
  admit(work: Work, now: number): void {
    if (this.#canStart(work)) {
      this.#queue.recordImmediateStart(work);
      this.#start(work);
    } else {
      this.#queue.add(work, now);
      this.#schedulePositionUpdate();
    }
  }

  /** Raises a waiting generation to `priority` if that is more than it has. */
  raisePriority(generation: Generation, priority: number): void {
    if (priority <= generation.priority) return;
    this.#queue.raisePriority(generation.id, priority - generation.priority);
    generation.priority = priority;
    this.#schedulePositionUpdate();
  }

  /** Appends queue positions to the log of a waiting generation for as long as it is retained. */
  watchPosition(generation: Generation): void {
    if (generation.state !== 'queued') return;
    this.#watched.add(generation);
    this.#appendPosition(generation);
  }

  /**
   * Handles the end of a generation or task. A waiting one leaves the queue. A running one keeps
   * its slot until its provider returns, or until ABORT_TIMEOUT_MS after an abort.
   */
  handleDone(work: Work): void {
    const { clock } = this.#options;
    if (work instanceof Generation) this.#watched.delete(work);
    if (!this.#running.has(work)) {
      if (this.#queue.remove(work.id) !== undefined) this.#schedulePositionUpdate();
      return;
    }
    this.#running.uncountResponse(work);
    const { state, timingKey, startedAt = 0, finishedAt = startedAt } = work;
    if (state === 'completed') this.#estimator.add(timingKey, finishedAt - startedAt);
    else this.#running.setAbortTimer(work, () => clock.after(ABORT_TIMEOUT_MS, () => this.#freeSlot(work)));
  }

  /** Ends everything that waits or runs. */
  close(error: AppError): void {
    const waiting = [...this.#queue.waiting()].map(({ item }) => item);
    for (const work of [...waiting, ...this.#running]) work.finish({ type: 'error', error });
  }

  get #hasSlot(): boolean {
    return this.#running.size < this.#options.settings.QUEUE_MAX_CONCURRENT;
  }

  #canStart(work: Work): boolean {
    return this.#hasSlot && this.#queue.size === 0 && this.#running.fits(work);
  }

  /** Displaces requests of callers who hold more. Throws `queue_full` if there are none. */
  #makeRoom(caller: string, bytes: number, takesPlace: boolean): void {
    const reserved = { total: this.#arriving.total, caller: this.#arriving.bytesOf(caller) };
    const check = (isDisplaceable: (work: Work) => boolean) =>
      this.#queue.checkCapacity({ caller, bytes, takesPlace, reserved, isDisplaceable });
    let capacity = check((work) => !work.isShared);
    // Else a client with two addresses could join its own requests, and none could be displaced.
    if ('full' in capacity && capacity.full !== 'caller') capacity = check(() => true);
    if ('full' in capacity) throw this.#queueFull(capacity.full);
    for (const work of capacity.displaced) work.finish({ type: 'error', error: this.#queueFull('displaced') });
  }

  #queueFull(reason: 'displaced' | Extract<CapacityCheck<Work>, { full: string }>['full']): AppError {
    const { QUEUE_MAX_SIZE: size, QUEUE_MAX_MB: megabytes, QUEUE_MAX_CONCURRENT: slots } = this.#options.settings;
    const seconds = Math.ceil(this.#estimator.averageMs / 1000 / slots);
    const message = {
      requests: `The queue is full (${size} waiting). Try again in about ${seconds} s.`,
      bytes: `The queue is full (${megabytes} MB waiting). Try again in about ${seconds} s, or with smaller images.`,
      caller: `Your queued requests are at their limit of ${megabytes * CALLER_SHARE} MB. Try again when some are done.`,
      displaced: `The queue is full, and this was the newest request of its largest user. Try again in about ${seconds} s.`,
    }[reason];
    return new AppError('queue_full', message, {
      retryAfterSeconds: seconds,
      data: {
        ...{ reason, queue_length: this.#queue.size, retry_after_seconds: seconds },
        ...(reason === 'caller' ? { limit_bytes: megabytes * MIB * CALLER_SHARE } : {}),
      },
    });
  }

  #start(work: Work): void {
    work.start(this.#options.clock.now());
    this.#running.add(work);
    this.#options.metrics.activeStreams.set(this.#running.size);
    if (work instanceof Generation) this.#startGeneration(work);
    else void this.#runTask(work);
  }

  async #runTask(task: RunnableTask): Promise<void> {
    await task.run(task.provider);
    this.#freeSlot(task);
  }

  #startGeneration(generation: Generation): void {
    this.#watched.delete(generation);
    generation.log.append({
      type: 'status',
      status: 'processing',
      queue_position: 0,
      queue_length: this.#queue.size,
      estimated_wait_time: 0,
    });
    void runWithRequestId(generation.id, () => this.#execute(generation));
  }

  async #execute(generation: Generation): Promise<void> {
    try {
      await this.#consume(generation);
    } catch (error) {
      generation.finish({ type: 'error', error: toAppError(error, this.#options.log) });
    }
    this.#freeSlot(generation);
  }

  /** Waits for the provider's end, also past `done`, so that its connection is reused. */
  async #consume(generation: Generation): Promise<void> {
    const { provider, request, signal } = generation;
    if (provider === undefined || request === undefined) return;
    await this.#options.call(provider, request, signal, (event) => this.#receive(generation, event));
    if (generation.finishedAt === undefined)
      throw new AppError('upstream_truncated', 'The answer ended early. Try again.');
  }

  #receive(generation: Generation, event: ModelEvent): void {
    if (generation.finishedAt !== undefined) return;
    if (event.type === 'done') {
      const { completion_tokens: counted } = event.usage;
      if (counted > 0) this.#tokens += counted - generation.tokens;
      generation.finish(event);
    } else if (!('text' in event) || event.text !== '') {
      generation.firstTokenAt ??= this.#options.clock.now();
      if ('text' in event) {
        generation.tokens += 1;
        this.#tokens += 1;
      }
      generation.log.append(event);
      this.#boundResponses(generation);
    }
  }

  #boundResponses(generation: Generation): void {
    const tooLarge = this.#running.countResponse(generation);
    if (tooLarge === undefined) return;
    const { MAX_RESPONSE_MB: megabytes } = this.#options.settings;
    const error = new AppError(
      'upstream_failed',
      `The answer is longer than MAX_RESPONSE_MB allows (${megabytes} MB). Ask for a shorter one.`,
    );
    tooLarge.finish({ type: 'error', error });
  }

  /** Gives a slot to the next in the queue. */
  #freeSlot(work: Work): void {
    work.dispose();
    if (!this.#running.delete(work)) return;
    const { clock, metrics } = this.#options;
    metrics.activeStreams.set(this.#running.size);
    while (this.#hasSlot) {
      const next = this.#queue.take(clock.now(), (waiting) => this.#running.fits(waiting));
      if (next === undefined) break;
      this.#start(next);
    }
    this.#schedulePositionUpdate();
  }

  /** Coalesces all changes of one turn of the event loop into one update of the positions. */
  #schedulePositionUpdate(): void {
    this.#options.metrics.queueLength.set(this.#queue.size);
    if (this.#isUpdateScheduled || this.#watched.size === 0) return;
    this.#isUpdateScheduled = true;
    queueMicrotask(() => {
      this.#isUpdateScheduled = false;
      for (const generation of this.#watched)
        if (generation.isRetained) this.#appendPosition(generation);
        else this.#watched.delete(generation);
    });
  }

  #appendPosition(generation: Generation): void {
    const position = this.#queue.position(generation.id);
    if (position === undefined || position === generation.log.status?.queue_position) return;
    const status: QueueStatusEvent = {
      type: 'status',
      status: 'queued',
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(generation, position),
    };
    generation.log.append(status);
  }

  #estimateMs({ timingKey }: QueuedWork, position: number): number {
    return this.#estimator.estimateMs(timingKey, position, this.#options.settings.QUEUE_MAX_CONCURRENT);
  }
}
