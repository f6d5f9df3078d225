import { Generation } from '#lib/chat/generation/generation';
import { toAppError } from '#lib/chat/model-error';
import { Failover } from '#lib/chat/scheduler/failover';
import type { Lane } from '#lib/chat/scheduler/lane';
import { createLanes, type Lanes } from '#lib/chat/scheduler/lanes';
import { measureCompleted } from '#lib/chat/scheduler/measure-completed';
import { type ModelCallOptions, ModelCalls } from '#lib/chat/scheduler/model-calls';
import { QueueAdmission } from '#lib/chat/scheduler/queue-admission';
import { QueuePositions, type QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import { RunningCalls } from '#lib/chat/scheduler/running-calls';
import type { SchedulerParts } from '#lib/chat/scheduler/scheduler-parts';
import { SchedulerView } from '#lib/chat/scheduler/scheduler-view';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import type { AppError } from '#lib/errors';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelServers } from '#lib/models/servers';
import type { Logger } from '#lib/telemetry/log';
import type { Metrics } from '#lib/telemetry/metrics';
import { runWithRequestId } from '#lib/telemetry/request-context';
import { MIB } from '#lib/units';

/**
 * Share of QUEUE_MAX_MB for the requests of running responses: they are in the heap, and a second
 * time in the bytes that are sent.
 */
const RUNNING_SHARE = 1 / 4;

/** How long an aborted provider may take to return before its slot is freed without it. */
const ABORT_TIMEOUT_MS = 5_000;
/** How long the line of a server that is down waits for it before it moves to other servers. */
const LINE_HOLD_MS = 15_000;

export interface SchedulerOptions extends ModelCallOptions {
  metrics: Metrics;
  log: Logger;
}

/** What a slot is for. */
type Work = Generation | RunnableTask;

/**
 * Gives generations and tasks their slots. Each model server is a lane: it works on as many at a
 * time as it has slots, and others wait in its line. The bounds of the queue are of all lines
 * together.
 *
 * A request chooses its lane when it arrives. While it waits, a server without work takes it if
 * that saves time. The line of a server that is down waits LINE_HOLD_MS for it, then moves, or
 * fails if no server is up. A request that fails before its first token goes to the next best
 * server, to the front of its line.
 */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #servers: ModelServers | undefined;
  readonly #lanes: Lanes<Work>;
  readonly #parts: SchedulerParts<Work>;
  readonly #running: RunningCalls;
  readonly #calls: ModelCalls;
  readonly #admission: QueueAdmission<Work>;
  readonly #positions: QueuePositions<Work>;
  readonly #failover: Failover<Work>;
  /** Its work and its figures, for readers. */
  readonly view: SchedulerView<Work>;
  #closed: AppError | undefined;

  constructor(options: SchedulerOptions, servers?: ModelServers) {
    const { settings } = options;
    this.#options = options;
    this.#servers = servers;
    this.#running = new RunningCalls({
      maxRequestBytes: settings.QUEUE_MAX_MB * MIB * RUNNING_SHARE,
      maxResponseBytes: settings.MAX_RESPONSE_MB * MIB,
    });
    this.#lanes = createLanes(settings, servers);
    this.#calls = new ModelCalls(options, this.#running);
    this.#parts = { settings, clock: options.clock, servers, lanes: this.#lanes };
    this.#failover = new Failover(this.#parts);
    this.view = new SchedulerView({ ...this.#parts, running: this.#running, calls: this.#calls });
    this.#admission = new QueueAdmission(settings, this.#lanes.bounds, () => this.view.averageMs / this.view.slots);
    this.#positions = new QueuePositions(this.#lanes, () => this.#areServersSeveral);
    servers?.onChange((server) => this.#handleServerChange(server));
  }

  /** The error that refuses new work; undefined until `close`. */
  get closed(): AppError | undefined {
    return this.#closed;
  }

  throwIfClosed(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  queueStatus(generation: Generation): QueueStanding {
    return this.#positions.standing(generation);
  }

  /** See `QueueAdmission.reserve`. */
  reserve(caller: string, bytes: number): () => void {
    return this.#admission.reserve(caller, bytes);
  }

  /**
   * Makes sure that `work` can be admitted in this turn, and returns its lane. Throws `queue_full`
   * if it cannot, also where it could displace other work and `mayDisplace` is false.
   */
  ensureCapacity(work: Work, mayDisplace = true): Lane<Work> {
    const lane = this.chooseLane(work);
    if (!this.#canStart(work, lane)) {
      work.pack();
      this.#admission.makeRoom(work.caller, work.bytes, true, mayDisplace);
    }
    return lane;
  }

  /** The lane for work that arrives. */
  chooseLane(work: Work): Lane<Work> {
    this.#servers?.touch();
    return this.#lanes.choose(work, this.#options.clock.now());
  }

  /** The lanes of all model servers in use. */
  lanes(): Lane<Work>[] {
    for (const server of this.#servers?.all ?? []) this.#lanes.of(server);
    return [...this.#lanes];
  }

  /** Starts the work if a slot is free and nothing waits, else adds it to its line, or before. */
  admit(work: Work, lane: Lane<Work>, now: number, isFirst = false): void {
    if (this.#canStart(work, lane)) {
      lane.line.recordImmediateStart(work);
      this.#start(work, lane);
    } else {
      lane.line.add(work, now, isFirst);
      // A bound on what waits may leave a slot to it.
      if (lane.bound !== undefined) this.#dispatch(lane);
      this.#schedulePositionUpdate();
    }
  }

  /** Starts what may start by now: the bound of a lane was changed. */
  dispatch(lane: Lane<Work>): void {
    this.#dispatchAll(lane);
  }

  /** Raises a waiting generation to `priority` if that is more than it has. */
  raisePriority(generation: Generation, priority: number): void {
    if (priority <= generation.priority) return;
    const found = this.#lanes.waitingIn(generation);
    found?.lane.line.raisePriority(generation.id, priority - generation.priority);
    generation.priority = priority;
    this.#schedulePositionUpdate();
  }

  /** Keeps the status of a waiting generation current for as long as it is retained. */
  watchPosition(generation: Generation): void {
    this.#positions.watch(generation);
  }

  /**
   * Handles the end of a generation or task. A waiting one leaves the queue. A running one keeps
   * its slot until its provider returns, or until ABORT_TIMEOUT_MS after an abort.
   */
  handleDone(work: Work): void {
    const { clock } = this.#options;
    if (work instanceof Generation) this.#positions.unwatch(work);
    const lane = work.server && this.#lanes.find(work.server);
    if (lane === undefined || !this.#running.has(work)) {
      const waiting = this.#lanes.waitingIn(work);
      if (waiting === undefined) return;
      waiting.lane.line.remove(work.id);
      this.#schedulePositionUpdate();
      return;
    }
    this.#running.uncountResponse(work);
    this.#countOutcome(lane, work.state);
    if (work.state === 'completed') measureCompleted(work, lane, this.#parts);
    else this.#running.setAbortTimer(work, () => clock.after(ABORT_TIMEOUT_MS, () => this.#freeSlot(work, lane)));
  }

  /** Ends everything that waits or runs. */
  close(error: AppError): void {
    this.#closed = error;
    const waiting = this.view.waiting().map(({ item }) => item);
    for (const work of [...waiting, ...this.#running]) work.finish({ type: 'error', error });
    for (const lane of this.#lanes) lane.cancelMove?.();
  }

  get #areServersSeveral(): boolean {
    return this.#servers?.areSeveral === true;
  }

  /** Whether there is a slot and memory for the work. */
  #fits(work: Work, lane: Lane<Work>): boolean {
    return lane.hasSlotFor(work) && this.#running.fits(work);
  }

  #canStart(work: Work, lane: Lane<Work>): boolean {
    if (!this.#fits(work, lane)) return false;
    // The line of a server that is down waits for it. Work that no other server can do does not.
    return lane.line.size === 0 || this.#isHeld(lane);
  }

  /** Whether the line of a lane waits until its server is up again. */
  #isHeld(lane: Lane<Work>): boolean {
    return !lane.server.isUp && this.#areServersSeveral;
  }

  #start(work: Work, lane: Lane<Work>): void {
    work.start(this.#options.clock.now(), lane.server);
    this.#running.add(work);
    lane.running.add(work);
    if (work.targets !== undefined) {
      work.tried ??= new Set();
      work.tried.add(lane.server);
    }
    this.#options.metrics.activeStreams.set(this.#running.size);
    if (work instanceof Generation) this.#startGeneration(work, lane);
    else void this.#runTask(work, lane);
  }

  async #runTask(task: RunnableTask, lane: Lane<Work>, retries = this.#failover.retriesOf(task)): Promise<void> {
    const { call, settings } = this.#options;
    const { provider } = lane.server;
    const end = await task.run({
      provider,
      lost: this.#failover.attemptOf(task),
      // An endpoint that fails is no reason to refuse the chats of its model.
      guard: (work, signal) =>
        call.guard?.(provider, task.timingKey, work, signal, task.isRetried ? retries : 0) ?? work(),
      onFailure: (error) => {
        if (this.#moveOn(task, lane, error)) return 'moved';
        return task.isRetried && this.#isAskedAgain(task, retries, error) ? 'again' : 'ended';
      },
    });
    if (end === 'again') await this.#runTask(task, lane, settings.UPSTREAM_RETRIES);
    else if (end === 'ended') this.#freeSlot(task, lane);
  }

  #startGeneration(generation: Generation, lane: Lane<Work>): void {
    this.#positions.unwatch(generation);
    generation.log.setStatus({
      type: 'status',
      status: 'processing',
      queue_position: 0,
      queue_length: lane.line.size,
      estimated_wait_time: 0,
    });
    void runWithRequestId(generation.id, () => this.#execute(generation, lane));
  }

  /** `retries` replaces UPSTREAM_RETRIES. */
  async #execute(
    generation: Generation,
    lane: Lane<Work>,
    retries = this.#failover.retriesOf(generation),
  ): Promise<void> {
    try {
      await this.#calls.generate(generation, retries, this.#failover.attemptOf(generation));
    } catch (error) {
      if (this.#moveOn(generation, lane, error)) return;
      if (this.#isAskedAgain(generation, retries, error))
        return await this.#execute(generation, lane, this.#options.settings.UPSTREAM_RETRIES);
      const failure = this.#failover.namingServer(toAppError(error, this.#options.log), lane);
      generation.finish({ type: 'error', error: failure });
    }
    this.#freeSlot(generation, lane);
  }

  #isAskedAgain(work: Work, retries: number | undefined, error: unknown): boolean {
    return this.#closed === undefined && this.#failover.isGivenUpEarly(work, retries, error);
  }

  /**
   * Moves work that failed to the next best server, to the front of its line: it had its turn.
   * Returns false if no server is left, or if the caller has a part of the response.
   */
  #moveOn(work: Work, lane: Lane<Work>, error: unknown): boolean {
    if (work.finishedAt !== undefined || this.#closed !== undefined) return false;
    const next = this.#failover.next(work, lane, error);
    if (next === undefined) return false;
    this.#running.delete(work);
    lane.running.delete(work);
    this.#countOutcome(lane, 'moved');
    work.requeue();
    if (next.target !== work.targets?.[0]) work.retarget(next.target, next.lane.server.provider);
    if (this.#fits(work, next.lane)) this.#start(work, next.lane);
    else {
      work.pack();
      next.lane.line.add(work, work.createdAt, true);
      if (work instanceof Generation && work.isRetained) this.#positions.watch(work);
    }
    this.#dispatchAll(lane);
    return true;
  }

  #countOutcome({ server }: Lane<Work>, outcome: QueuedWork['state'] | 'moved'): void {
    this.#options.metrics.modelServerRequests.inc({ model_server: server.name, outcome });
  }

  /** Gives a slot to the next in the queue. */
  #freeSlot(work: Work, lane: Lane<Work>): void {
    work.dispose();
    lane.running.delete(work);
    if (!this.#running.delete(work)) return;
    this.#options.metrics.activeStreams.set(this.#running.size);
    this.#dispatchAll(lane);
  }

  /** Starts what can start, in `first` before other lanes: memory may be free, or times known. */
  #dispatchAll(first: Lane<Work>): void {
    this.#dispatch(first);
    for (const lane of this.#lanes) if (lane !== first && lane.hasSlot) this.#dispatch(lane);
    this.#schedulePositionUpdate();
  }

  #dispatch(lane: Lane<Work>): void {
    if (this.#isHeld(lane)) {
      this.#startStranded(lane);
      return;
    }
    const now = this.#options.clock.now();
    const fits = (waiting: Work) => this.#fits(waiting, lane);
    while (lane.hasSlot) {
      const next = lane.line.take(now, fits);
      if (next === undefined) break;
      this.#start(next, lane);
    }
    while (lane.hasSlot && lane.line.size === 0 && this.#lanes.areSeveral) {
      const movable = this.#lanes.findMovable(lane, now);
      if (movable === undefined || !fits(movable.work)) break;
      const { work, from } = movable;
      from.line.remove(work.id);
      lane.line.recordImmediateStart(work);
      this.#start(work, lane);
    }
  }

  /**
   * Starts the work of a server that is down if no server that is up has its model. It fails by
   * itself, and takes the next model of an alias then. Without such a model it waits for the
   * server, up to LINE_HOLD_MS.
   */
  #startStranded(lane: Lane<Work>): void {
    const now = this.#options.clock.now();
    for (const { item } of [...lane.line.waiting()]) {
      if (!this.#fits(item, lane)) return;
      if (this.#lanes.chooseUp(item, now) !== undefined) continue;
      if (lane.cancelMove !== undefined && this.#lanes.next(item, now) === undefined) continue;
      lane.line.remove(item.id);
      this.#start(item, lane);
      if (lane.cancelMove === undefined) this.#failover.giveUpOn(item, lane, now);
    }
  }

  #handleServerChange(server: ModelServer): void {
    if (this.#closed !== undefined || !this.#areServersSeveral) return;
    // An idle server may take work, also one that nothing was asked of before.
    for (const each of this.#servers?.all ?? []) this.#lanes.of(each);
    const lane = this.#lanes.of(server);
    if (!server.isUp)
      lane.cancelMove ??= this.#options.clock.after(LINE_HOLD_MS, () => {
        lane.cancelMove = undefined;
        this.#moveLine(lane);
      });
    else {
      if (lane.cancelMove !== undefined) this.#options.call.reset?.(server.provider);
      lane.cancelMove?.();
      lane.cancelMove = undefined;
      // Lines that no server could take when their time was over.
      for (const each of this.#lanes) if (each.cancelMove === undefined) this.#moveLine(each);
    }
    this.#dispatchAll(lane);
  }

  /**
   * Moves the line of a server that is down to others, in its order. A call that it accepted and
   * that has no token yet fails now, and moves too: a machine without power closes no connection.
   */
  #moveLine(from: Lane<Work>): void {
    if (from.server.isUp) return;
    const now = this.#options.clock.now();
    for (const work of [...from.running]) this.#failover.giveUpOn(work, from, now);
    for (const { item, since, isFirst } of [...from.line.waiting()]) {
      const to = this.#lanes.chooseUp(item, now);
      if (to === undefined) continue;
      from.line.remove(item.id);
      if (this.#canStart(item, to)) {
        to.line.recordImmediateStart(item);
        this.#start(item, to);
      } else to.line.add(item, since, isFirst);
    }
    this.#dispatchAll(from);
  }

  /** Reports the new length of the queue and the positions in it. */
  #schedulePositionUpdate(): void {
    this.#options.metrics.queueLength.set(this.#lanes.bounds.size);
    this.#positions.scheduleUpdate();
  }
}
