import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import { Generation } from '#lib/chat/generation/generation';
import { toAppError } from '#lib/chat/model-error';
import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { queueFullError } from '#lib/chat/scheduler/queue-admission';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import { type Clock, systemClock } from '#lib/clock';
import { Displacement } from '#lib/cluster/displacement';
import { Janitor } from '#lib/cluster/janitor';
import { LineEntry } from '#lib/cluster/line-entry';
import { SharedLanes } from '#lib/cluster/shared-lanes';
import { SharedPositions } from '#lib/cluster/shared-positions';
import { SharedQueueFigures, type SharedWork } from '#lib/cluster/shared-queue-figures';
import type { LaneWork, LocalLane, SharedLine, SharedLineParts } from '#lib/cluster/shared-types';
import { StrayRuns } from '#lib/cluster/stray-runs';
import { SharedTurns } from '#lib/cluster/turns';
import type { TakenListener } from '#lib/cluster/worker';
import { type AppError, asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';

type Work = Generation | RunnableTask;

/** Counts of the lines that are as old refuse nothing: the line may be shorter by now. */
const MAX_COUNTS_AGE_MS = 250;
const STOP_POLL_MS = 50;
/** Submissions that talk to Redis at a time: with more, commands wait until they are too old. */
const MAX_ENTERING = 32;
/** Waiting runs of a lane that are shown in an overview. */
const MAX_LISTED = 1_000;

interface Submitted extends SharedWork {
  lane: LocalLane;
  readonly release: () => void;
  /** Resolves when it is in the line, or is not going to be. */
  submitted: Promise<void>;
}

/**
 * The line of all instances. A submission is three trips to Redis: the clock and the lengths, one
 * transaction that creates the run and assigns its turn, and the job; one more if another lane is
 * better. Work of one process, and all of it while Redis is away, goes to the local scheduler.
 */
export class SharedQueue implements SharedLine {
  readonly view: SharedQueueFigures;
  readonly #parts: SharedLineParts;
  readonly #clock: Clock;
  readonly #turns: SharedTurns;
  readonly #lanes: SharedLanes;
  readonly #positions: SharedPositions;
  readonly #entry: LineEntry;
  readonly #janitor: Janitor;
  /** Generations that this instance has submitted, until they start or end. */
  readonly #submitted = new Map<string, Submitted>();
  readonly #strays: StrayRuns;
  /** Callers that were refused within the last moments: no one else holds more than they do. */
  readonly #refusedAt = new Map<string, number>();
  /** Submissions that are on their way to the line. */
  #entering = 0;
  readonly #enterInTurn = pLimit(MAX_ENTERING);

  constructor(parts: SharedLineParts, clock = systemClock) {
    const { link, local, runs } = parts;
    this.#parts = parts;
    this.#clock = clock;
    this.#turns = new SharedTurns(link.connection, link.keys);
    this.#lanes = new SharedLanes(
      {
        ...parts,
        turns: this.#turns,
        onTaken: (...taken) => this.#handleTaken(...taken),
        onUpkeep: () => {
          this.#strays.remove();
          // What has started elsewhere holds no memory of the queue any more.
          for (const { generation } of [...this.#submitted.values()])
            if (generation.state !== 'queued') this.#forget(generation.id);
          for (const [caller, at] of this.#refusedAt)
            if (this.#clock.now() - at > MAX_COUNTS_AGE_MS) this.#refusedAt.delete(caller);
        },
      },
      clock,
    );
    this.#positions = new SharedPositions(
      {
        lanes: this.#lanes,
        isUsable: () => link.connection.isUsable,
        laneIdOf: (run, mayHaveMoved) => this.#laneIdOf(run, mayHaveMoved),
        isEntering: (run) => runs.isEntering(run),
        namesServers: () => local.view.areServersSeveral,
        nameOf: (caller) => link.keys.nameOf(caller),
        stillBehind: (waiting) => runs.stillBehind(waiting),
      },
      clock,
    );
    this.#strays = new StrayRuns(this.#lanes, () => link.connection.isUsable);
    const shared = { ...parts, lanes: this.#lanes, turns: this.#turns };
    this.#entry = new LineEntry({
      ...shared,
      displacement: new Displacement(shared),
      chooseAgain: (generation, lane) => this.#chooseAgain(generation, lane),
      onWaiting: (generation, lane, position) => this.#positions.noteArrival(generation, lane, position),
    });
    this.#janitor = new Janitor({ link, runs, lanes: this.#lanes, turns: this.#turns }, clock);
    this.view = new SharedQueueFigures(local.view, this.#lanes, () => this.#waiting());
  }

  /** Takes part in the work of all instances. Never rejects. */
  async start(): Promise<void> {
    await this.#lanes.start();
    this.#janitor.start();
  }

  get closed(): AppError | undefined {
    return this.#parts.local.closed;
  }

  throwIfClosed(): void {
    this.#parts.local.throwIfClosed();
  }

  reserve(caller: string, bytes: number): () => void {
    return this.#parts.local.reserve(caller, bytes);
  }

  isShared(lane: LocalLane): boolean {
    return this.#lanes.isShared(lane);
  }

  readAhead(priority: number): void {
    this.#entry.readAhead(priority);
  }

  ensureCapacity(work: Work, mayDisplace = true): LocalLane {
    const { local, settings, link } = this.#parts;
    if (!(work instanceof Generation)) return local.ensureCapacity(work, mayDisplace);
    const lane = local.chooseLane(work);
    if (!this.isShared(lane)) return local.ensureCapacity(work, mayDisplace);
    this.#lanes.adopt(lane);
    if (!link.connection.isUsable) {
      work.isDegraded = true;
      return local.ensureCapacity(work, mayDisplace);
    }
    work.pack();
    // Its memory is that of this instance.
    local.reserve(work.caller, work.bytes)();
    const isKnownFull =
      this.#lanes.countsAgeMs < MAX_COUNTS_AGE_MS &&
      this.#clock.now() - (this.#refusedAt.get(work.caller) ?? 0) < MAX_COUNTS_AGE_MS &&
      this.#lanes.wouldWait(lane.server.id) &&
      this.#lanes.excess >= settings.QUEUE_MAX_SIZE;
    if (isKnownFull || this.#entering >= settings.QUEUE_MAX_SIZE + this.#lanes.slots) throw this.#queueFull();
    return lane;
  }

  admit(work: Work, lane: LocalLane, now: number): void {
    const { local, link, runs } = this.#parts;
    const isForAll = work instanceof Generation && this.isShared(lane);
    if (!isForAll || work.isDegraded || !link.connection.isUsable) {
      if (isForAll) runs.handleUnshared({ generation: work, lane: lane.server.id });
      local.admit(work, lane, now);
      return;
    }
    this.#begin({ generation: work, lane, since: now, release: local.reserve(work.caller, work.bytes) }, false);
  }

  enterAgain(generation: Generation, laneId: string): void {
    const { local } = this.#parts;
    generation.pack();
    const lane = this.#lanes.laneOf(laneId) ?? local.chooseLane(generation);
    const release = this.#submitted.get(generation.id)?.release ?? (() => {});
    this.#begin({ generation, lane, since: this.#clock.now(), release }, true);
    this.#positions.watch(generation);
  }

  #begin(begun: Omit<Submitted, 'submitted'>, isAccepted: boolean): void {
    const { generation, lane } = begun;
    const submitted: Submitted = { ...begun, submitted: Promise.resolve() };
    this.#submitted.set(generation.id, submitted);
    this.#lanes.noteEntering(lane.server.id, 1);
    this.#parts.runs.handleSubmitted({ generation, lane: lane.server.id });
    submitted.submitted = this.#submit(submitted, isAccepted);
  }

  raisePriority(generation: Generation, priority: number): void {
    const levels = priority - generation.priority;
    if (levels <= 0) return;
    this.#parts.local.raisePriority(generation, priority);
    if (generation.state === 'queued') void this.#raise(generation.id, levels);
  }

  watchPosition(generation: Generation): void {
    const { local } = this.#parts;
    if (local.queueStatus(generation).queue_position > 0) local.watchPosition(generation);
    else this.#positions.watch(generation);
  }

  /** See `Scheduler.handleDone`. A job is removed by `withdraw` alone. */
  handleDone(work: Work): void {
    this.#parts.local.handleDone(work);
    if (!(work instanceof Generation)) return;
    this.#positions.unwatch(work);
    if (this.#submitted.get(work.id)?.generation === work) this.#forget(work.id);
  }

  /** As it was read last. */
  queueStatus(generation: Generation): QueueStanding {
    const local = this.#parts.local.queueStatus(generation);
    return local.queue_position > 0 ? local : this.#positions.lastStanding(generation);
  }

  standingOf(generation: Generation, lane: string): Promise<QueueStanding> {
    return this.#positions.standingOf(generation, lane);
  }

  async work(): Promise<LaneWork[]> {
    return await Promise.all(
      this.#lanes.ids.map(async (lane) => {
        const { counts, ...work } = await this.#lanes.queueOf(lane).work(MAX_LISTED);
        this.#lanes.setCounts(lane, counts);
        return { lane, ...work };
      }),
    );
  }

  async withdraw(run: string): Promise<boolean> {
    await this.#submitted.get(run)?.submitted;
    const known = this.#submitted.get(run)?.lane.server.id;
    const lane = await this.#laneIdOf(run, true).catch((error: unknown) => {
      if (known !== undefined) this.#strays.add(run, known);
      throw error;
    });
    if (lane === undefined) return true;
    try {
      if ((await this.#lanes.remove(lane, run)) === 'taken') return false;
    } catch (error) {
      this.#strays.add(run, lane);
      throw error;
    }
    this.#positions.noteMove();
    return true;
  }

  startHere(generation: Generation): boolean {
    const { local } = this.#parts;
    generation.isDegraded = true;
    try {
      const lane = local.ensureCapacity(generation, false);
      this.#forget(generation.id);
      this.#positions.unwatch(generation);
      local.admit(generation, lane, this.#clock.now());
    } catch (error) {
      // It was accepted: it may wait on.
      log().debug({ part: 'queue', reason: asError(error).message }, 'a waiting request could not begin here yet');
      generation.isDegraded = false;
      return false;
    }
    if (generation.isRetained) this.watchPosition(generation);
    return true;
  }

  hold(isHeld: boolean): void {
    this.#lanes.hold(isHeld);
  }

  leave(): void {
    this.#lanes.leave();
  }

  pause(): void {
    this.#lanes.pause();
  }

  async stop(ms: number): Promise<void> {
    this.pause();
    const deadline = this.#clock.now() + ms;
    while (this.#lanes.runningHere > 0 && this.#clock.now() < deadline) await delay(STOP_POLL_MS);
    await this.#lanes.closeWorkers();
  }

  close(error: AppError): void {
    this.#janitor.close();
    this.#positions.close();
    for (const run of this.#submitted.keys()) this.#forget(run);
    this.#parts.local.close(error);
    void this.#lanes.close();
  }

  /** Never rejects. */
  async #submit(submitted: Submitted, isAccepted: boolean): Promise<void> {
    const { generation } = submitted;
    this.#entering += 1;
    try {
      const outcome = await this.#enterInTurn(() => this.#entry.enter(generation, submitted.lane, isAccepted));
      if (outcome === 'entered') this.#parts.runs.handleAdmitted(generation);
      else if (outcome === 'refused') this.#refuse(generation);
      else this.#leave(generation);
      this.#positions.noteMove();
      this.#strays.remove();
    } catch (error) {
      log().debug(
        { part: 'queue', reason: asError(error).message },
        'a request could not be put into the shared queue: this server works on it',
      );
      this.#fallBack(generation, submitted.lane.server.id);
    } finally {
      this.#entering -= 1;
      this.#lanes.noteEntering(submitted.lane.server.id, -1);
    }
  }

  /** The best lane for a run that enters, by the lines as they have just been read. */
  #chooseAgain(generation: Generation, lane: LocalLane): LocalLane {
    const submitted = this.#submitted.get(generation.id);
    if (submitted?.generation !== generation) return lane;
    this.#lanes.noteEntering(lane.server.id, -1);
    const chosen = this.#parts.local.chooseLane(generation);
    if (this.isShared(chosen)) submitted.lane = chosen;
    this.#lanes.adopt(submitted.lane);
    this.#lanes.noteEntering(submitted.lane.server.id, 1);
    return submitted.lane;
  }

  #refuse(generation: Generation): void {
    this.#refusedAt.set(generation.caller, this.#clock.now());
    this.#forget(generation.id);
    this.#parts.runs.handleNotAdmitted(generation, { type: 'error', error: this.#queueFull() });
  }

  /** It has ended meanwhile. */
  #leave(generation: Generation): void {
    this.#forget(generation.id);
    this.#parts.runs.handleNotAdmitted(generation);
  }

  /** Redis has failed before it was known that the run is in the line. */
  #fallBack(generation: Generation, lane: string): void {
    const { local, runs } = this.#parts;
    this.#forget(generation.id);
    // A worker has taken it already; one of this instance may have it wait for its slot.
    const isTaken = generation.startedAt !== undefined || local.queueStatus(generation).queue_position > 0;
    if (isTaken) runs.handleAdmitted(generation);
    else if (generation.finishedAt !== undefined) runs.handleNotAdmitted(generation);
    else
      try {
        generation.isDegraded = true;
        // Another server may have it, too, until Redis is there to remove it from.
        generation.eventOffset = ALONE_OFFSET;
        const chosen = local.ensureCapacity(generation, false);
        runs.handleUnshared({ generation, lane: chosen.server.id });
        local.admit(generation, chosen, this.#clock.now());
        this.#strays.add(generation.id, lane);
        runs.handleNotAdmitted(generation);
      } catch (error) {
        runs.handleNotAdmitted(generation, { type: 'error', error: toAppError(error, log()) });
      }
  }

  /** Never rejects. */
  async #raise(run: string, levels: number): Promise<void> {
    try {
      await this.#submitted.get(run)?.submitted;
      const lane = this.#parts.link.connection.isUsable ? await this.#laneIdOf(run, true) : undefined;
      if (lane === undefined) return;
      await this.#lanes.queueOf(lane).move(run, (sortKey) => sortKey + sortKeyOf(0, levels) - sortKeyOf(0, 0));
      this.#positions.noteMove();
    } catch {
      // The guard has recorded a failure of Redis; the run keeps its place.
    }
  }

  /** With `mayHaveMoved`, what this instance knows is not enough. */
  async #laneIdOf(run: string, mayHaveMoved: boolean): Promise<string | undefined> {
    const submitted = this.#submitted.get(run)?.lane.server.id;
    if (submitted !== undefined && !mayHaveMoved) return submitted;
    return (await this.#parts.runs.read(run))?.lane ?? submitted;
  }

  #handleTaken(...[lane, run, turn, inTurn]: Parameters<TakenListener>): void {
    this.#positions.noteMove();
    if (turn !== undefined) this.#turns.noteServed(lane, run, turn, inTurn);
  }

  *#waiting(): Generator<SharedWork, void> {
    for (const submitted of this.#submitted.values()) {
      if (submitted.generation.state === 'queued') yield submitted;
    }
  }

  #forget(run: string): void {
    this.#submitted.get(run)?.release();
    this.#submitted.delete(run);
  }

  #queueFull(): AppError {
    const { local, settings } = this.#parts;
    return queueFullError('requests', settings, this.#lanes.waiting, local.view.averageMs / local.view.slots);
  }
}
