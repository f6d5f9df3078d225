import type { Generation } from '#lib/chat/generation/generation';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { type Clock, systemClock } from '#lib/clock';
import type { LaneCounts } from '#lib/cluster/lane-queue';
import { LineShares, type LineSharesOptions, lastShareOf, type SharesByRun } from '#lib/cluster/line-shares';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import { SECOND_MS } from '#lib/units';

/** Other instances move the lines, too. */
const LOOK_INTERVAL_MS = SECOND_MS;
/** After a move by this instance. */
const MOVED_INTERVAL_MS = SECOND_MS / 4;
/** Positions that one read of a line brings, in about 2 ms. */
const PAGE = 1_000;
/** Reads of one line behind its first page in a look: above that, positions are older than 1 s. */
const MAX_PAGES = 10;
/** Runs that are asked for one by one, in one trip: a page has more of them. */
const ASKED_AT_ONCE = 200;

export interface SharedPositionsOptions extends LineSharesOptions {
  readonly lanes: SharedLanes;
  readonly isUsable: () => boolean;
  /** The lane of a run that another instance may have added, or moved. Rejects if Redis does. */
  readonly laneIdOf: (run: string, mayHaveMoved: boolean) => Promise<string | undefined>;
  /** Whether a run is on its way into a line, where its position is written when it arrives. */
  readonly isEntering: (run: string) => boolean;
  /** Whether a position says for which server it is. */
  readonly namesServers: () => boolean;
}

/**
 * Keeps the status of waiting generations current, by one read of each line for all of them. A
 * position is at most about a second old in a line of up to 11,000; in a longer one, those behind
 * its first 1,000 are read in turn, 10,000 a second.
 */
export class SharedPositions {
  readonly #options: SharedPositionsOptions;
  readonly #clock: Clock;
  readonly #shares: LineShares;
  readonly #watched = new Set<Generation>();
  /** Undefined if the generation was not found in the line that it had been in. */
  readonly #laneIds = new WeakMap<Generation, string | undefined>();
  #isLooking = false;
  /** Of lines that are too long for one look, where the next one begins. */
  readonly #readFrom = new Map<string, number>();
  #isClosed = false;
  #dueAt = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(options: SharedPositionsOptions, clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
    this.#shares = new LineShares(options);
  }

  watch(generation: Generation): void {
    if (generation.state !== 'queued' || this.#isClosed) return;
    this.#watched.add(generation);
    this.#schedule(this.#options.isEntering(generation.id) ? LOOK_INTERVAL_MS : 0);
  }

  unwatch(generation: Generation): void {
    this.#watched.delete(generation);
  }

  /** This instance has moved a line, or put a run into one. */
  noteMove(): void {
    if (this.#watched.size > 0) this.#schedule(MOVED_INTERVAL_MS);
  }

  /** A run has entered a line at this position, before anything reads it. Rejects if Redis does. */
  async noteArrival(generation: Generation, laneId: string, position: number): Promise<void> {
    const { lanes } = this.#options;
    const counts = lanes.countsOf(laneId);
    const shares = generation.isBehind ? await this.#sharesAt(laneId, position, generation) : undefined;
    this.#write(generation, laneId, position, counts, shares);
  }

  /** What its readers have. */
  lastStanding(generation: Generation): QueueStanding {
    const { log, state } = generation;
    const { status } = log;
    // It has a slot, or gets a free one: it is not among those that wait.
    if (state !== 'queued' || status === undefined)
      return { queue_position: 0, queue_length: this.#options.lanes.excess, estimated_wait_time: 0 };
    const { queue_position, queue_length, estimated_wait_time } = status;
    return { queue_position, queue_length, estimated_wait_time, ...lastShareOf(generation) };
  }

  /** Asks Redis. Rejects if Redis does. */
  async standingOf(generation: Generation, laneId: string): Promise<QueueStanding> {
    const { lanes } = this.#options;
    const { position, ...counts } = await lanes.queueOf(laneId).standing(generation.id);
    lanes.setCounts(laneId, counts);
    const standing = this.#standing(laneId, position, counts, generation.timingKey);
    if (position === undefined || !generation.isBehind) return standing;
    const share = (await this.#sharesAt(laneId, position, generation)).get(generation.id);
    return { ...standing, ...(share === undefined ? {} : { share }) };
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
    this.#watched.clear();
  }

  /** The share of a generation at this position, which is read up to there. */
  async #sharesAt(laneId: string, position: number, generation: Generation): Promise<SharesByRun> {
    const queue = this.#options.lanes.queueOf(laneId);
    const { runs } = await queue.front(Math.min(position, PAGE));
    return await this.#shares.of(queue, runs, [generation]);
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
    for (const generation of this.#watched)
      if (generation.state !== 'queued' || !generation.isRetained) this.#watched.delete(generation);
    await this.#findLanes([...this.#watched].filter((generation) => this.#laneIds.get(generation) === undefined));
    const byLane = new Map<string, Generation[]>();
    for (const generation of this.#watched) {
      const id = this.#laneIds.get(generation);
      if (id === undefined) continue;
      const watched = byLane.get(id) ?? [];
      watched.push(generation);
      byLane.set(id, watched);
    }
    for (const [id, generations] of byLane) await this.#updateLine(id, generations);
  }

  async #findLanes(generations: readonly Generation[]): Promise<void> {
    for (let from = 0; from < generations.length; from += ASKED_AT_ONCE)
      await Promise.all(
        generations.slice(from, from + ASKED_AT_ONCE).map(async (generation) => {
          const id = await this.#options.laneIdOf(generation.id, this.#laneIds.has(generation));
          if (id !== undefined) this.#laneIds.set(generation, id);
        }),
      );
  }

  async #updateLine(id: string, generations: readonly Generation[]): Promise<void> {
    const { lanes } = this.#options;
    const queue = lanes.queueOf(id);
    const { runs, first, ...counts } = await queue.front(PAGE);
    lanes.setCounts(id, counts);
    const shares = await this.#shares.of(queue, runs, generations);
    const found = { id, counts, shares };
    let left: readonly Generation[] = this.#tellFound(generations, positionsOf(runs, 0), found);
    if (runs.length === PAGE && left.length > 0) {
      if (left.length <= ASKED_AT_ONCE) {
        const positions = await queue.positions(left.map((generation) => generation.id));
        left = this.#tellFound(left, positions, found);
      } else {
        const read = await this.#readOn(found, left, PAGE - first);
        // The rest is in a part of the line whose turn is the next look.
        if (!read.isWhole) return;
        left = read.left;
      }
    }
    // It was taken, or moved to another lane.
    for (const generation of left) this.#laneIds.set(generation, undefined);
  }

  /** Reads a line on behind its front. A very long one is read in parts, one with each look. */
  async #readOn(found: FoundLine, generations: readonly Generation[], behindFront: number) {
    const { id } = found;
    const queue = this.#options.lanes.queueOf(id);
    const begun = this.#readFrom.get(id) ?? behindFront;
    let left: readonly Generation[] = generations;
    for (let page = 0, from = begun; page < MAX_PAGES; page++, from += PAGE) {
      const { runs, first } = await queue.page(from, PAGE);
      left = this.#tellFound(left, positionsOf(runs, first + from), found);
      if (runs.length < PAGE || left.length === 0) {
        this.#readFrom.delete(id);
        return { left, isWhole: begun === behindFront };
      }
    }
    this.#readFrom.set(id, begun + MAX_PAGES * PAGE);
    return { left, isWhole: false };
  }

  /** Returns the generations that are not among the positions. */
  #tellFound(
    generations: readonly Generation[],
    positions: ReadonlyMap<string, number>,
    { id, counts, shares }: FoundLine,
  ): Generation[] {
    return generations.filter((generation) => {
      const position = positions.get(generation.id);
      if (position !== undefined && this.#watched.has(generation))
        this.#write(generation, id, position, counts, shares);
      return position === undefined;
    });
  }

  #write(generation: Generation, laneId: string, position: number, counts: LaneCounts, shares?: SharesByRun): void {
    const { log, state } = generation;
    if (state !== 'queued') return;
    const { lanes, namesServers } = this.#options;
    const name = namesServers() ? lanes.laneOf(laneId)?.server.name : undefined;
    const share = shares?.get(generation.id);
    const isSamePlace = log.status?.queue_position === position && log.status.model_server === name;
    if (isSamePlace && log.status?.share?.ahead === share?.ahead) return;
    log.setStatus({
      type: 'status',
      status: 'queued',
      ...this.#standing(laneId, position, counts, generation.timingKey),
      ...(name === undefined ? {} : { model_server: name }),
      ...(share === undefined ? {} : { share }),
    });
  }

  #standing(laneId: string, position = 0, { waiting }: LaneCounts, timingKey?: string): QueueStanding {
    const lane = this.#options.lanes.laneOf(laneId);
    const estimated_wait_time =
      position === 0 || lane === undefined ? 0 : lane.times.estimateMs(timingKey ?? '', position, lane.server.slots);
    return { queue_position: position, queue_length: waiting, estimated_wait_time };
  }
}

/** What one look has found of a line. */
interface FoundLine {
  readonly id: string;
  readonly counts: LaneCounts;
  readonly shares: SharesByRun;
}

function positionsOf(runs: readonly string[], before: number): ReadonlyMap<string, number> {
  return new Map(runs.map((run, index) => [run, before + index + 1]));
}
