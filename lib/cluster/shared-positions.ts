import type { Generation } from '#lib/chat/generation/generation';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { type Clock, systemClock } from '#lib/clock';
import type { LaneCounts } from '#lib/cluster/lane-queue';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import { SECOND_MS } from '#lib/units';

/** Other instances move the lines, too. */
const LOOK_INTERVAL_MS = SECOND_MS;
/** After a move by this instance. */
const MOVED_INTERVAL_MS = SECOND_MS / 4;
/** After a submission, whose readers know no position yet. */
const ENTERED_INTERVAL_MS = 20;
/** Positions that one read of a line brings. Others are read one by one. */
const FRONT = 1_000;
/** Watched runs behind the front that are read at a time. */
const MAX_BEHIND = 200;

export interface SharedPositionsOptions {
  readonly lanes: SharedLanes;
  readonly isUsable: () => boolean;
  /** The lane of a run that another instance may have added, or moved. Rejects if Redis does. */
  readonly laneIdOf: (run: string, mayHaveMoved: boolean) => Promise<string | undefined>;
  /** Whether a position says for which server it is. */
  readonly namesServers: () => boolean;
}

/** Keeps the status of waiting generations current, by one read of each line for all of them. */
export class SharedPositions {
  readonly #options: SharedPositionsOptions;
  readonly #clock: Clock;
  readonly #watched = new Set<Generation>();
  /** Undefined if the generation was not found in the line that it had been in. */
  readonly #laneIds = new WeakMap<Generation, string | undefined>();
  #isLooking = false;
  /** Of the generations behind the front, whose turn it is. */
  #behindFrom = 0;
  #isClosed = false;
  #dueAt = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(options: SharedPositionsOptions, clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
  }

  watch(generation: Generation): void {
    if (generation.state !== 'queued' || this.#isClosed) return;
    this.#watched.add(generation);
    this.#schedule(0);
  }

  unwatch(generation: Generation): void {
    this.#watched.delete(generation);
  }

  /** This instance has moved a line. */
  noteMove(): void {
    if (this.#watched.size > 0) this.#schedule(MOVED_INTERVAL_MS);
  }

  /** This instance has put a run into a line. */
  noteEntry(generation: Generation): void {
    if (this.#watched.has(generation)) this.#schedule(ENTERED_INTERVAL_MS);
    else this.noteMove();
  }

  /** What its readers have. */
  lastStanding({ log, state }: Generation): QueueStanding {
    const waiting = this.#options.lanes.waiting;
    const { status } = log;
    if (state !== 'queued' || status === undefined)
      return { queue_position: 0, queue_length: waiting, estimated_wait_time: 0 };
    const { queue_position, queue_length, estimated_wait_time } = status;
    return { queue_position, queue_length, estimated_wait_time };
  }

  /** Asks Redis. Rejects if Redis does. */
  async standingOf(run: string, laneId: string, timingKey?: string): Promise<QueueStanding> {
    const { lanes } = this.#options;
    const { position, ...counts } = await lanes.queueOf(laneId).standing(run);
    lanes.setCounts(laneId, counts);
    return this.#standing(laneId, position, counts, timingKey);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#watched.clear();
  }

  #schedule(ms: number): void {
    const at = this.#clock.now() + ms;
    if (this.#isClosed || this.#dueAt <= at) return;
    this.#cancel?.();
    this.#dueAt = at;
    this.#cancel = this.#clock.after(ms, () => void this.#look());
  }

  async #look(): Promise<void> {
    this.#dueAt = Number.POSITIVE_INFINITY;
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      if (this.#options.isUsable()) await this.#update();
    } catch {
      // The guard has recorded a failure of Redis; the last positions stay.
    } finally {
      this.#isLooking = false;
      if (this.#watched.size > 0) this.#schedule(LOOK_INTERVAL_MS);
    }
  }

  async #update(): Promise<void> {
    const byLane = new Map<string, Generation[]>();
    for (const generation of this.#watched) {
      if (generation.state !== 'queued' || !generation.isRetained) {
        this.#watched.delete(generation);
        continue;
      }
      const mayHaveMoved = this.#laneIds.has(generation);
      const id = this.#laneIds.get(generation) ?? (await this.#options.laneIdOf(generation.id, mayHaveMoved));
      if (id === undefined) continue;
      this.#laneIds.set(generation, id);
      const watched = byLane.get(id) ?? [];
      watched.push(generation);
      byLane.set(id, watched);
    }
    for (const [id, generations] of byLane) {
      const { runs, ...counts } = await this.#options.lanes.queueOf(id).front(FRONT);
      this.#options.lanes.setCounts(id, counts);
      const positions = new Map(runs.map((run, index) => [run, index + 1]));
      const behind: Generation[] = [];
      for (const generation of generations) {
        const position = positions.get(generation.id);
        if (position !== undefined) this.#tell(generation, id, position, counts);
        else if (runs.length === FRONT) behind.push(generation);
        else this.#laneIds.set(generation, undefined);
      }
      // Others have their turn at the next look.
      const from = behind.length > MAX_BEHIND ? this.#behindFrom % behind.length : 0;
      this.#behindFrom = from + MAX_BEHIND;
      await Promise.all(
        [...behind.slice(from), ...behind.slice(0, from)].slice(0, MAX_BEHIND).map(async (generation) => {
          const { position } = await this.#options.lanes.queueOf(id).standing(generation.id);
          if (position !== undefined) this.#tell(generation, id, position, counts);
        }),
      );
    }
  }

  #tell(generation: Generation, laneId: string, position: number, counts: LaneCounts): void {
    const { log, state } = generation;
    if (state !== 'queued' || !this.#watched.has(generation)) return;
    const { lanes, namesServers } = this.#options;
    const name = namesServers() ? lanes.laneOf(laneId)?.server.name : undefined;
    if (log.status?.queue_position === position && log.status.model_server === name) return;
    log.setStatus({
      type: 'status',
      status: 'queued',
      ...this.#standing(laneId, position, counts, generation.timingKey),
      ...(name === undefined ? {} : { model_server: name }),
    });
  }

  #standing(laneId: string, position = 0, { waiting }: LaneCounts, timingKey?: string): QueueStanding {
    const lane = this.#options.lanes.laneOf(laneId);
    const estimated_wait_time =
      position === 0 || lane === undefined ? 0 : lane.times.estimateMs(timingKey ?? '', position, lane.server.slots);
    return { queue_position: position, queue_length: waiting, estimated_wait_time };
  }
}
