import { GenerationTimes } from '#lib/chat/chat-stats';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse } from '#lib/chat/formats/native-events';
import type { GenerationEvent, QueueStatusEvent } from '#lib/chat/generation/generation-log';
import { recordGenerationSpans } from '#lib/chat/generation/generation-spans';
import type { Generation } from '#lib/chat/generation/in-flight';
import { type CapacityCheck, WaitingQueue } from '#lib/chat/scheduler/waiting-queue';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { MemoryAccounting } from '#lib/memory-accounting';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import type { Logger } from '#lib/telemetry/log';
import type { Metrics } from '#lib/telemetry/metrics';
import { runWithRequestId } from '#lib/telemetry/request-context';

const BYTES_PER_MB = 1024 * 1024;
/**
 * One caller's waiting requests may take this share of all their memory, so that there is always
 * some for another one.
 */
const CALLER_SHARE = 1 / 2;
/**
 * The requests of running responses may take this share of QUEUE_MAX_MB: they are in the heap, and
 * once more while they are sent.
 */
const RUNNING_SHARE = 1 / 4;
/** All running responses together may be as large as so many of the largest. */
const MAX_RESPONSES_AT_FULL_SIZE = 3;

/** How long a provider may take to let go of an aborted call before its slot is given to the next anyway. */
const ABORT_TIMEOUT_MS = 5_000;

export interface SchedulerOptions {
  settings: Config;
  clock: Clock;
  metrics: Metrics;
  log: Logger;
  /** How a provider is called: with retries, breaker and timeouts around it. */
  call(provider: ModelProvider, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

export interface RunWatch {
  /** The answer is complete, and nobody has been told yet. */
  onCompleted(run: Generation, answer: CompletedResponse): void;
  /** The run has ended, and its log says how. */
  onEnded(run: Generation): void;
}

export type FinalEvent = Extract<GenerationEvent, { type: 'done' | 'error' }>;

/** Gives runs their slots: at most `QUEUE_MAX_CONCURRENT` at a time, the others wait in line until they are called. */
export class Scheduler {
  readonly #parts: SchedulerOptions;
  readonly #hooks: RunWatch;
  readonly #queue: WaitingQueue<Generation>;
  readonly #running = new Set<Generation>();
  /** Runs that wait and have a reader, who is told of every new position. */
  readonly #watched = new Set<Generation>();
  readonly #runTimes: GenerationTimes;
  readonly #maxRunningBytes: number;
  readonly #maxResponseBytes: number;
  /** What the requests of all running responses hold, and their texts. */
  #runningBytes = 0;
  #responseBytes = 0;
  /** Bytes of requests that are neither in line nor running yet, in all and by caller. */
  readonly #arriving = new MemoryAccounting();
  #positionsStale = false;

  constructor(parts: SchedulerOptions, hooks: RunWatch) {
    const { settings } = parts;
    this.#parts = parts;
    this.#hooks = hooks;
    const maxBytes = settings.QUEUE_MAX_MB * BYTES_PER_MB;
    this.#maxRunningBytes = maxBytes * RUNNING_SHARE;
    this.#maxResponseBytes = settings.MAX_RESPONSE_MB * BYTES_PER_MB;
    this.#queue = new WaitingQueue({
      maxSize: settings.QUEUE_MAX_SIZE,
      maxBytes,
      maxCallerBytes: maxBytes * CALLER_SHARE,
      batch: { maxSize: settings.BATCH_MAX_SIZE, timeoutMs: settings.BATCH_TIMEOUT_MS },
    });
    this.#runTimes = new GenerationTimes(settings.QUEUE_ESTIMATED_TIME_PER_REQUEST_MS);
  }

  /** Runs that hold a slot. */
  get running(): ReadonlySet<Generation> {
    return this.#running;
  }

  /** Runs that wait. */
  get queueLength(): number {
    return this.#queue.size;
  }

  /** What the waiting runs hold in memory. */
  get waitingBytes(): number {
    return this.#queue.bytes;
  }

  /** Batches released so far, and the requests in them. */
  get releasedBatches(): { batches: number; requests: number } {
    return this.#queue.releasedBatches;
  }

  /** Moving average of measured run times. */
  get averageMs(): number {
    return this.#runTimes.averageMs;
  }

  /** Everyone in line, the first first. */
  waiting(): Iterable<{ item: Generation; since: number }> {
    return this.#queue.waiting();
  }

  /** Where a run stands in the line. Positions count from 1; 0 is not waiting. */
  queueStatus(run: Generation): { queue_position: number; queue_length: number; estimated_wait_time: number } {
    const position = run.state === 'queued' ? (this.#queue.position(run.id) ?? 0) : 0;
    return {
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(run, position),
    };
  }

  /**
   * Counts a large request until its run is made: it is taken in before it is known which model it
   * is for. Returns what ends that. Throws `queue_full` where there is no room for it.
   */
  reserve(caller: string, bytes: number): () => void {
    this.#makeRoom(caller, bytes, false);
    this.#arriving.add(caller, bytes);
    return () => this.#arriving.release(caller, bytes);
  }

  /**
   * Makes sure that `run` can be admitted in this turn of the event loop. Throws `queue_full` where
   * it cannot.
   */
  ensureCapacity(run: Generation): void {
    if (this.#startsAtOnce(run)) return;
    run.pack();
    this.#makeRoom(run.caller, run.bytes, true);
  }

  /**
   * Starts a run that was prepared where a slot is free and nothing waits; else puts it in line.
   */
  admit(run: Generation, now: number): void {
    if (this.#startsAtOnce(run)) {
      this.#queue.recordImmediateStart(run);
      this.#start(run);
    } else {
      this.#queue.add(run, now);
      this.#movePositions();
    }
  }

  /** Lets a waiting run rise to `priority`, where that is more than it has. */
  raisePriority(run: Generation, priority: number): void {
    if (priority <= run.priority) return;
    this.#queue.raisePriority(run.id, priority - run.priority);
    run.priority = priority;
    this.#movePositions();
  }

  /** Somebody reads `run`: its log says where it stands, as long as it waits. */
  watchPosition(run: Generation): void {
    if (run.state !== 'queued') return;
    this.#watched.add(run);
    this.#tellPosition(run);
  }

  unwatchPosition(run: Generation): void {
    this.#watched.delete(run);
  }

  /** Ends a run that waits or runs; the first end counts. */
  finish(run: Generation, event: FinalEvent): void {
    if (run.finishedAt !== undefined) return;
    const { clock, metrics } = this.#parts;
    const now = clock.now();
    run.finishedAt = now;
    this.#watched.delete(run);
    // A slot may be held for a while yet; a response that is over does not end another one.
    this.#responseBytes -= run.accountedBytes;
    run.accountedBytes = 0;
    if (event.type === 'done') {
      run.state = 'completed';
      this.#complete(run, event, now);
    } else run.state = event.fault.code === 'cancelled' ? 'cancelled' : 'failed';
    if (run.startedAt !== undefined)
      metrics.generationDuration.observe({ outcome: run.state }, (now - run.startedAt) / 1000);
    recordGenerationSpans(run, now);
    run.log.append(event);
    this.#hooks.onEnded(run);
    if (this.#running.has(run)) {
      if (event.type === 'done') return;
      run.abort.abort(event.fault);
      run.cancelAbortTimer ??= clock.after(ABORT_TIMEOUT_MS, () => this.#release(run));
    } else if (this.#queue.remove(run.id) !== undefined) this.#movePositions();
  }

  /** Ends everything that waits or runs. */
  close(fault: AppError): void {
    const waiting = [...this.#queue.waiting()].map(({ item }) => item);
    for (const run of [...waiting, ...this.#running]) this.finish(run, { type: 'error', fault });
  }

  get #hasSlot(): boolean {
    return this.#running.size < this.#parts.settings.QUEUE_MAX_CONCURRENT;
  }

  /**
   * Whether there is memory for one more running request. One alone may have as much as it needs.
   */
  #fits(run: Generation): boolean {
    return this.#running.size === 0 || this.#runningBytes + run.requestBytes <= this.#maxRunningBytes;
  }

  #startsAtOnce(run: Generation): boolean {
    return this.#hasSlot && this.#queue.size === 0 && this.#fits(run);
  }

  /**
   * Makes room in line, by displacing requests of callers who have more. Throws `queue_full` where
   * that cannot be.
   */
  #makeRoom(caller: string, bytes: number, takesPlace: boolean): void {
    const reserved = { total: this.#arriving.total, caller: this.#arriving.bytesOf(caller) };
    const ask = (isDisplaceable: (run: Generation) => boolean) =>
      this.#queue.checkCapacity({ caller, bytes, takesPlace, reserved, isDisplaceable });
    let room = ask((run) => !run.isShared);
    // Else a client with two addresses could join its own requests, and none could be displaced.
    if ('full' in room && room.full !== 'caller') room = ask(() => true);
    if ('full' in room) throw this.#queueFull(room.full);
    for (const run of room.displaced) this.finish(run, { type: 'error', fault: this.#queueFull('displaced') });
  }

  #queueFull(why: 'displaced' | Extract<CapacityCheck<Generation>, { full: string }>['full']): AppError {
    const { QUEUE_MAX_SIZE: size, QUEUE_MAX_MB: megabytes, QUEUE_MAX_CONCURRENT: slots } = this.#parts.settings;
    const message = {
      requests: `${size} requests are already waiting, and no more are taken. Try again later.`,
      bytes: `The requests that wait hold ${megabytes} MB, and no more is taken. Try again later, or with smaller images.`,
      caller: `Your waiting requests may hold ${megabytes * CALLER_SHARE} MB, and no more is taken. Try again when some of them are done.`,
      displaced:
        'The queue was full, and this was the newest request of the caller who had most in it. Try again later.',
    }[why];
    return new AppError('queue_full', message, {
      retryAfterSeconds: Math.ceil(this.#runTimes.averageMs / 1000 / slots),
    });
  }

  #start(run: Generation): void {
    run.state = 'running';
    run.startedAt = this.#parts.clock.now();
    run.unpack();
    this.#watched.delete(run);
    this.#running.add(run);
    this.#runningBytes += run.requestBytes;
    this.#parts.metrics.activeStreams.set(this.#running.size);
    run.log.append({
      type: 'status',
      status: 'processing',
      queue_position: 0,
      queue_length: this.#queue.size,
      estimated_wait_time: 0,
    });
    void runWithRequestId(run.id, () => this.#execute(run));
  }

  async #execute(run: Generation): Promise<void> {
    try {
      await this.#consume(run);
    } catch (error) {
      this.finish(run, { type: 'error', fault: toAppError(error, this.#parts.log) });
    }
    this.#release(run);
  }

  /** Reads the provider to its end, also past `done`, so that its connection can be used again. */
  async #consume(run: Generation): Promise<void> {
    const { call, clock } = this.#parts;
    if (run.request === undefined) return;
    for await (const event of call(run.provider, run.request, run.abort.signal)) {
      if (run.finishedAt !== undefined) continue;
      if (event.type === 'done') this.finish(run, event);
      else if (!('text' in event) || event.text !== '') {
        run.firstTokenAt ??= clock.now();
        run.log.append(event);
        this.#boundResponse(run);
      }
    }
    if (run.finishedAt === undefined)
      throw new AppError('upstream_truncated', 'The model server ended the answer before it was complete. Try again.');
  }

  /**
   * Counts what a response has grown by. Throws where it is too large; where all together are, the
   * largest ends.
   */
  #boundResponse(run: Generation): void {
    const { bytes } = run.log;
    this.#responseBytes += bytes - run.accountedBytes;
    run.accountedBytes = bytes;
    if (bytes > this.#maxResponseBytes) throw this.#tooLarge();
    if (this.#responseBytes <= MAX_RESPONSES_AT_FULL_SIZE * this.#maxResponseBytes) return;
    let largest = run;
    for (const other of this.#running)
      if (other.finishedAt === undefined && other.accountedBytes > largest.accountedBytes) largest = other;
    this.finish(largest, { type: 'error', fault: this.#tooLarge() });
  }

  #tooLarge(): AppError {
    const { MAX_RESPONSE_MB: megabytes } = this.#parts.settings;
    return new AppError(
      'upstream_failed',
      `The response exceeded what may be kept of it: MAX_RESPONSE_MB is ${megabytes}. Ask for a shorter one.`,
    );
  }

  #complete(run: Generation, done: Extract<FinalEvent, { type: 'done' }>, now: number): void {
    const { metrics } = this.#parts;
    const { done_reason, usage, durations } = done;
    const answer = {
      content: run.log.text('content'),
      thinking: run.log.text('thinking'),
      tool_calls: run.log.toolCalls(),
      logprobs: run.log.logprobs(),
      model: run.model,
      done_reason,
      usage,
      ...(durations === undefined ? {} : { durations }),
    };
    run.response = answer;
    const startedAt = run.startedAt ?? now;
    this.#runTimes.add(run.model, now - startedAt);
    metrics.tokens.inc({ kind: 'prompt' }, usage.prompt_tokens);
    metrics.tokens.inc({ kind: 'completion' }, usage.completion_tokens);
    if (run.firstTokenAt !== undefined) metrics.timeToFirstToken.observe((run.firstTokenAt - startedAt) / 1000);
    this.#hooks.onCompleted(run, answer);
  }

  /** Gives a run's slot to the next in line. */
  #release(run: Generation): void {
    run.dispose();
    if (!this.#running.delete(run)) return;
    this.#runningBytes -= run.requestBytes;
    const { clock, metrics } = this.#parts;
    metrics.activeStreams.set(this.#running.size);
    while (this.#hasSlot) {
      const next = this.#queue.take(clock.now(), (waiting) => this.#fits(waiting));
      if (next === undefined) break;
      this.#start(next);
    }
    this.#movePositions();
  }

  /** Once for all that changes in this turn of the event loop: tells the readers of waiting runs where they stand now. */
  #movePositions(): void {
    this.#parts.metrics.queueLength.set(this.#queue.size);
    if (this.#positionsStale || this.#watched.size === 0) return;
    this.#positionsStale = true;
    queueMicrotask(() => {
      this.#positionsStale = false;
      for (const run of this.#watched) this.#tellPosition(run);
    });
  }

  #tellPosition(run: Generation): void {
    const position = this.#queue.position(run.id);
    if (position === undefined || position === run.log.status?.queue_position) return;
    const status: QueueStatusEvent = {
      type: 'status',
      status: 'queued',
      queue_position: position,
      queue_length: this.#queue.size,
      estimated_wait_time: this.#estimateMs(run, position),
    };
    run.log.append(status);
  }

  #estimateMs(run: Generation, position: number): number {
    return this.#runTimes.estimateMs(run.model, position, this.#parts.settings.QUEUE_MAX_CONCURRENT);
  }
}

/** What is thrown at a model call, as a fault; what is none is a bug, and is logged. */
export function toAppError(error: unknown, log: Logger): AppError {
  if (AppError.is(error)) return error;
  log.error({ err: error }, 'a model call failed unexpectedly');
  return new AppError('internal_error', 'Something went wrong inside the server. The log has the details.', {
    cause: error,
  });
}
