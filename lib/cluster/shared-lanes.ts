import type { ChainableCommander } from 'ioredis';
import { type Clock, systemClock } from '#lib/clock';
import { type LaneCounts, LaneQueue } from '#lib/cluster/lane-queue';
import { LocalShare } from '#lib/cluster/local-share';
import { repliesOf } from '#lib/cluster/replies';
import { SharedBatches } from '#lib/cluster/shared-batches';
import type { LocalLane, SharedLineParts } from '#lib/cluster/shared-types';
import type { SharedTurns } from '#lib/cluster/turns';
import { type LaneWatchdog, watchLane } from '#lib/cluster/watchdog';
import { LaneWorker, type LaneWorkerOptions } from '#lib/cluster/worker';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';
import { HOUR_MS, SECOND_MS } from '#lib/units';

const UPKEEP_INTERVAL_MS = 2 * SECOND_MS;
/** How often an instance that stops looks whether another one still takes runs. */
const LEAVE_INTERVAL_MS = SECOND_MS / 4;
const FORGET_INTERVAL_MS = 30 * SECOND_MS;
/** Longer than the janitor waits before it looks at a line again. */
const STRANDED_MS = 10 * SECOND_MS;
/** An instance that has not said so for this long works on a lane no more. */
const UP_MS = 10 * SECOND_MS;
/** Turns begin at 0 again where the clock is beyond this, half of what BullMQ can order. */
const MAX_CLOCK = 2 ** 20;

interface SharedLaneState {
  readonly queue: LaneQueue;
  /** Undefined for a lane that only other instances have. */
  lane: LocalLane | undefined;
  readonly worker: LaneWorker | undefined;
  readonly watchdog: LaneWatchdog;
  counts: LaneCounts;
  /** Redis has its number of slots. */
  isBounded: boolean;
  forgottenAt: number;
  /** Until then its worker takes runs although its server is down. */
  strandedUntil: number;
}

export type SharedLanesOptions = Pick<SharedLineParts, 'link' | 'processor' | 'local' | 'settings'> & {
  readonly turns: SharedTurns;
  readonly onTaken: LaneWorkerOptions['onTaken'];
  /** Called every 2 s. */
  readonly onUpkeep: () => void;
};

/** The lines of all lanes, with one worker for each lane of this instance. */
export class SharedLanes {
  readonly batches: SharedBatches;
  readonly #options: SharedLanesOptions;
  readonly #clock: Clock;
  readonly #states = new Map<string, SharedLaneState>();
  /** Runs of this instance that are on their way into a line, by lane. */
  readonly #entering = new Map<string, number>();
  readonly #share: LocalShare;
  #isPaused = false;
  #isHeld = false;
  #isLeaving = false;
  #isClosed = false;
  #countedAt = 0;
  #cancelUpkeep: (() => void) | undefined;

  constructor(options: SharedLanesOptions, clock = systemClock) {
    const { link, settings } = options;
    this.batches = new SharedBatches({
      ...{ connection: link.connection, keys: link.keys },
      limits: { maxSize: settings.BATCH_MAX_SIZE, timeoutMs: settings.BATCH_TIMEOUT_MS },
      queueOf: (lane) => this.queueOf(lane),
    });
    this.#options = options;
    this.#clock = clock;
    this.#share = new LocalShare(options.link);
  }

  /** Begins to work. Resolves when the lanes are configured, or if Redis is away. Never rejects. */
  async start(): Promise<void> {
    await this.#upkeep();
  }

  /** Generations of a server that belongs to one process are not shared. */
  isShared(lane: LocalLane): boolean {
    return lane.server.kind !== 'embedded';
  }

  /** The line of a lane, also of one that only other instances have. */
  queueOf(id: string): LaneQueue {
    return this.#stateOf(id).queue;
  }

  /**
   * Takes a run out of a line, and gives its turn back. `taken` if a worker has it, `gone` if the
   * line has none. Rejects if Redis does.
   */
  async remove(id: string, run: string): Promise<'taken' | 'gone' | 'removed'> {
    const removed = await this.queueOf(id).remove(run);
    if (typeof removed === 'string') return removed;
    if (removed.turn !== undefined) await this.#options.turns.refund(id, removed.turn);
    return 'removed';
  }

  /** No instance reaches the server, and no other one has the models: what waits is to fail. */
  takeStranded(id: string): void {
    const state = this.#stateOf(id);
    state.strandedUntil = this.#clock.now() + STRANDED_MS;
    this.#supervise(id, state);
  }

  /** Undefined if this instance has no such lane. */
  laneOf(id: string): LocalLane | undefined {
    return this.#states.get(id)?.lane;
  }

  /** The least loaded other lane that this instance works on and that has the model, if any. */
  otherFor(id: string, model: string): string | undefined {
    const from = this.laneOf(id);
    let best: { readonly id: string; readonly load: number } | undefined;
    for (const [other, { lane, worker, counts }] of this.#states) {
      if (other === id || lane === undefined || worker?.isTaking !== true) continue;
      const { server } = lane;
      // Servers of one kind serve the same models under a name, unless their lists say otherwise.
      const hasModel = from?.server.kind === server.kind ? server.has(model) !== false : server.has(model) === true;
      const load = (counts.waiting + counts.running) / server.slots;
      if (hasModel && (best === undefined || load < best.load)) best = { id: other, load };
    }
    return best?.id;
  }

  /** As last seen. */
  countsOf(id: string): LaneCounts {
    return this.#stateOf(id).counts;
  }

  /** Makes the queue and the worker of a lane, on its first use. */
  adopt(lane: LocalLane): void {
    if (!this.isShared(lane) || this.#isClosed) return;
    lane.bound ??= this.#share.boundOf(lane);
    const { id, slots } = lane.server;
    const known = this.#states.get(id);
    if (known?.worker !== undefined) {
      // The servers were listed again.
      if (known.lane?.server.slots !== slots) known.worker.setSlots(slots);
      known.lane = lane;
      return;
    }
    const { link, processor: process, onTaken } = this.#options;
    const { keys, connectionOptions } = link;
    const { batches } = this;
    const prefix = keys.lines;
    const worker = new LaneWorker({ lane: id, slots, prefix, connectionOptions, process, batches, onTaken });
    // Until Redis has the bound of the lane: without one, it would take more than that.
    worker.pause();
    const state = {
      queue: known?.queue ?? new LaneQueue(link.connection, keys, id),
      lane,
      worker,
      watchdog: watchLane(),
      counts: known?.counts ?? { waiting: 0, running: 0 },
      isBounded: false,
      forgottenAt: this.#clock.now(),
      strandedUntil: 0,
    };
    this.#states.set(id, state);
    void this.#bound();
  }

  /** Ids of the lanes that are in use, as far as this instance knows. */
  get ids(): string[] {
    return [...this.#states.keys()];
  }

  /** Runs that wait in all lines, as last seen. */
  get waiting(): number {
    return this.#sum(({ counts }) => counts.waiting);
  }

  /** Runs that wait and find no free slot: only these count for the bound. */
  get excess(): number {
    return this.#sum(({ counts, lane }) => Math.max(0, counts.waiting - freeOf(counts, lane)));
  }

  /** The same for one run, of those that came before it: `earlier` in its lane, all in others. */
  excessBefore(id: string, earlier: number): number {
    const { counts, lane } = this.#stateOf(id);
    const others = this.excess - Math.max(0, counts.waiting - freeOf(counts, lane));
    return Math.max(0, earlier - freeOf(counts, lane)) + others;
  }

  /** Runs that all lanes of this instance work on at a time. */
  get slots(): number {
    return this.#sum(({ lane }) => lane?.server.slots ?? 0);
  }

  /** Runs that the workers of all instances have, as last seen. */
  get running(): number {
    return this.#sum(({ counts }) => counts.running);
  }

  /** Runs that workers of this instance have. */
  get runningHere(): number {
    return this.#sum(({ worker }) => worker?.running ?? 0);
  }

  /** Milliseconds since the counts were read. */
  get countsAgeMs(): number {
    return this.#clock.now() - this.#countedAt;
  }

  /** Whether one more run in a lane would wait. */
  wouldWait(id: string): boolean {
    const { counts, lane } = this.#stateOf(id);
    return lane === undefined || counts.waiting + counts.running >= lane.server.slots;
  }

  /** Whether a run at this position waits for others: free slots are for the first ones. */
  hasToWait(id: string, position: number): boolean {
    const { counts, lane } = this.#stateOf(id);
    return position > freeOf(counts, lane);
  }

  /** Adds the commands that read all counts. Returns what takes their replies, the first ones. */
  addCounts(commands: ChainableCommander): (replies: readonly unknown[]) => void {
    const queues = [...this.#states.values()].map(({ queue }) => queue);
    for (const queue of queues) queue.addCounts(commands);
    return (replies) => {
      for (const [index, queue] of queues.entries())
        this.setCounts(queue.lane, queue.countsOf(replies.slice(3 * index, 3 * index + 3)));
      this.#countedAt = this.#clock.now();
    };
  }

  setCounts(id: string, counts: LaneCounts): void {
    const state = this.#stateOf(id);
    state.counts = counts;
    const { lane, worker } = state;
    // The choice between servers sees what other instances do. What runs here is in the lane.
    if (lane === undefined) return;
    const waiting = counts.waiting + (this.#entering.get(id) ?? 0);
    lane.shared = { waiting, running: Math.max(0, counts.running - (worker?.running ?? 0)) };
  }

  /** A run is on its way into a line, or with -1 no more: the next one to choose sees it. */
  noteEntering(id: string, change: 1 | -1): void {
    this.#entering.set(id, (this.#entering.get(id) ?? 0) + change);
    this.setCounts(id, this.countsOf(id));
  }

  /** Reads the counts of all lanes. Rejects if Redis does. */
  async readCounts(): Promise<void> {
    const commands = this.#options.link.connection.client.pipeline();
    const take = this.addCounts(commands);
    if (commands.length > 0) take(repliesOf(await commands.exec()));
  }

  /** Workers take nothing any more as long as another instance does; see `SharedLine.leave`. */
  leave(): void {
    if (this.#isClosed || this.#isPaused) return;
    this.#isLeaving = true;
    for (const [id, state] of this.#states) this.#supervise(id, state);
    this.#clock.after(LEAVE_INTERVAL_MS, () => this.leave());
  }

  /** Whether workers take nothing for now; see `SharedLine.hold`. */
  hold(isHeld: boolean): void {
    if (this.#isHeld === isHeld) return;
    this.#isHeld = isHeld;
    for (const [id, state] of this.#states) this.#supervise(id, state);
  }

  /** Workers take nothing any more. */
  pause(): void {
    this.#isPaused = true;
    for (const { worker } of this.#states.values()) worker?.pause();
  }

  async closeWorkers(): Promise<void> {
    this.#isClosed = true;
    this.#cancelUpkeep?.();
    await Promise.all([...this.#states.values()].map(({ worker }) => worker?.close()));
  }

  async close(): Promise<void> {
    await this.closeWorkers();
    await Promise.all([...this.#states.values()].map(({ queue }) => queue.close()));
    for (const { lane } of this.#states.values()) {
      if (lane === undefined) continue;
      lane.shared = { waiting: 0, running: 0 };
      lane.bound = undefined;
    }
  }

  /** Writes the slots of each lane of this instance, and lets its worker begin. Never rejects. */
  async #bound(): Promise<void> {
    for (const [id, state] of this.#states) {
      if (state.lane === undefined || this.#isClosed) continue;
      try {
        await state.queue.configure(state.lane.server.slots);
        state.isBounded = true;
        this.#supervise(id, state);
      } catch {
        // The guard has recorded a failure of Redis; it is tried again in 2 s.
      }
    }
  }

  /** Never rejects. */
  async #upkeep(): Promise<void> {
    // Of several with one id, the last one is in use.
    const lanes = new Map(this.#options.local.lanes().map((lane) => [lane.server.id, lane]));
    for (const lane of lanes.values()) this.adopt(lane);
    this.#options.onUpkeep();
    const { connection } = this.#options.link;
    // What waits and runs elsewhere is not known any more: each instance works by itself.
    if (!connection.isUsable) for (const id of this.#states.keys()) this.setCounts(id, { waiting: 0, running: 0 });
    else
      try {
        // What waits here since Redis was away has more slots now.
        for (const lane of lanes.values()) if (lane.line.size > 0) this.#options.local.dispatch(lane);
        await this.readCounts();
        for (const [id, state] of this.#states) {
          await this.#configure(id, state);
          this.#supervise(id, state);
        }
      } catch (error) {
        // The guard has recorded a failure of Redis; it is tried again in 2 s.
        log().debug({ part: 'queue', reason: asError(error).message }, 'the lanes could not be looked after');
      }
    if (!this.#isClosed) this.#cancelUpkeep = this.#clock.after(UPKEEP_INTERVAL_MS, () => void this.#upkeep());
  }

  async #configure(id: string, state: SharedLaneState): Promise<void> {
    const { link, turns } = this.#options;
    const { lane, queue, worker, counts } = state;
    if (lane === undefined || worker === undefined) return;
    if (worker.isTaking) {
      const up = link.keys.up(id);
      const nowMs = Math.round(link.connection.now());
      const saying = link.connection.client.multi().zadd(up, nowMs, link.instanceId);
      repliesOf(
        await saying
          .zremrangebyscore(up, '-inf', nowMs - UP_MS)
          .pexpire(up, HOUR_MS)
          .exec(),
      );
    }
    await queue.configure(lane.server.slots);
    state.isBounded = true;
    const now = this.#clock.now();
    if (counts.waiting > 0 || counts.running > 0 || now - state.forgottenAt < FORGET_INTERVAL_MS) return;
    await turns.forget(id, MAX_CLOCK);
    state.forgottenAt = now;
  }

  #supervise(id: string, { lane, worker, watchdog, counts, isBounded, strandedUntil }: SharedLaneState): void {
    if (lane === undefined || worker === undefined || this.#isPaused || !isBounded) return;
    const { link, local } = this.#options;
    // A server that this instance does not reach is for other instances.
    const isDown = !lane.server.isUp && local.view.areServersSeveral && this.#clock.now() >= strandedUntil;
    const isForOthers = isDown || (this.#isLeaving && link.othersServe());
    if (isForOthers || this.#isHeld) worker.pause();
    else worker.resume();
    const isStuck = watchdog.look({
      hasWork: counts.waiting > 0 && counts.running < lane.server.slots,
      isTaking: worker.isTaking,
      lastTakenAt: worker.lastTakenAt,
      now: this.#clock.now(),
    });
    if (!isStuck && !worker.hasEnded) return;
    log().warn({ part: 'queue', lane: id }, 'a worker of the shared queue took nothing: it begins again');
    worker.renew();
  }

  #stateOf(id: string): SharedLaneState {
    let state = this.#states.get(id);
    if (state === undefined) {
      const { connection, keys } = this.#options.link;
      state = {
        queue: new LaneQueue(connection, keys, id),
        lane: undefined,
        worker: undefined,
        watchdog: watchLane(),
        counts: { waiting: 0, running: 0 },
        isBounded: false,
        forgottenAt: this.#clock.now(),
        strandedUntil: 0,
      };
      this.#states.set(id, state);
    }
    return state;
  }

  #sum(of: (state: SharedLaneState) => number): number {
    let sum = 0;
    for (const state of this.#states.values()) sum += of(state);
    return sum;
  }
}

function freeOf({ running }: LaneCounts, lane: LocalLane | undefined): number {
  return Math.max(0, (lane?.server.slots ?? 0) - running);
}
