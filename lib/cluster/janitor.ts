import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { type Clock, systemClock } from '#lib/clock';
import { cancelledEnd, WORKER_LOST } from '#lib/cluster/lost-runs';
import { repliesOf } from '#lib/cluster/replies';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import type { ClusterLink, RunRecord, Runs } from '#lib/cluster/shared-types';
import type { SharedTurns } from '#lib/cluster/turns';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';
import { cancelledBySchema } from '#lib/wire/chat-queue';

const INTERVAL_MS = 5 * SECOND_MS;
/** Its owner touches a running run each second. A waiting one is touched here. */
const UNTOUCHED_MS = 15 * SECOND_MS;
/** A line that no instance works on for so long moves to other servers, as in one process. */
const LINE_HOLD_MS = 15 * SECOND_MS;
/** Leases that could not be renewed while Redis was away say nothing for so long after it. */
const LEASE_TRUST_MS = 20 * SECOND_MS;
/** Runs of one round. */
const BATCH = 200;

export interface JanitorParts {
  readonly link: ClusterLink;
  readonly runs: Runs;
  readonly lanes: SharedLanes;
  readonly turns: SharedTurns;
}

/**
 * Looks after runs that no instance looks after: one that was created without a job gets one, one
 * that is not wanted any more ends, and one whose owner has died without a job that BullMQ could
 * recover waits again, or ends if there is text of it. The line of a server that no instance
 * reaches moves to other servers. What it does is idempotent; one instance at a time does it.
 */
export class Janitor {
  readonly #parts: JanitorParts;
  readonly #clock: Clock;
  /** Lanes with waiting runs that no instance has worked on, since when this one knows. */
  readonly #strandedSince = new Map<string, number>();
  /** Jobs of one round. */
  #added = 0;
  /** When Redis was last found to be away. */
  #awayAt = Number.NEGATIVE_INFINITY;
  #epoch: number | undefined;
  #isClosed = false;
  #cancel: (() => void) | undefined;

  constructor(parts: JanitorParts, clock = systemClock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  start(): void {
    if (this.#isClosed) return;
    // Instances that began together do not all ask at the same time.
    this.#cancel = this.#clock.after(INTERVAL_MS * (0.5 + Math.random()), () => {
      void this.round().then(() => this.start());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel?.();
  }

  /** Looks after what is due, unless another instance has just done so. Never rejects. */
  async round(): Promise<void> {
    const { link, runs } = this.#parts;
    if (!link.connection.isUsable) {
      this.#awayAt = this.#clock.now();
      return;
    }
    // It may have been away for a moment, and have lost something.
    if (this.#epoch !== undefined && this.#epoch !== link.connection.epoch) this.#awayAt = this.#clock.now();
    this.#epoch = link.connection.epoch;
    try {
      const stranded = await this.#findStranded();
      const { janitor } = link.keys;
      if ((await link.connection.client.set(janitor, link.instanceId, 'PX', INTERVAL_MS, 'NX')) === null) return;
      const due = await runs.untouched(UNTOUCHED_MS, BATCH);
      const kept: string[] = [];
      this.#added = 0;
      for (const run of due) if (await this.#lookAfter(run)) kept.push(run);
      if (this.#added > 0)
        log().info(
          { part: 'queue', runs: this.#added },
          'waiting requests of a server that has ended are in line again',
        );
      await runs.touch(kept);
      // Its submitter, which would do it, may have ended.
      await runs.renew(kept);
      for (const lane of stranded) await this.#moveLine(lane);
    } catch (error) {
      log().debug({ part: 'queue', reason: asError(error).message }, 'runs could not be looked after');
    }
  }

  /** Returns whether the run goes on. */
  async #lookAfter(id: string): Promise<boolean> {
    const { runs, lanes } = this.#parts;
    const run = await runs.read(id);
    if (run === undefined || (run.state !== 'queued' && run.state !== 'running')) {
      // It is in the list of open runs alone.
      await runs.end(id, WORKER_LOST);
      return false;
    }
    const queue = lanes.queueOf(run.lane);
    const areLeasesKnown = this.#clock.now() - this.#awayAt >= LEASE_TRUST_MS;
    // Another request may have joined a run whose last one was cancelled.
    if ((run.cancelledBy !== undefined || areLeasesKnown) && !(await runs.isWanted(id))) {
      // Its owner looks each second, and sees by itself that it is not wanted.
      if ((await lanes.remove(run.lane, id)) === 'taken') return true;
      await runs.end(id, cancelledEnd(cancelledBySchema.safeParse(run.cancelledBy).data));
      return false;
    }
    if (await queue.has(id)) return true;
    if (run.state === 'running' && !(await runs.requeue(id))) {
      await runs.end(id, WORKER_LOST);
      return false;
    }
    await this.#addJob(run);
    this.#added += 1;
    return true;
  }

  async #addJob(run: RunRecord): Promise<void> {
    const { link, runs, lanes, turns } = this.#parts;
    const { id, group, lane, priority } = run;
    const owner = { caller: link.keys.nameOf(run.caller), priority };
    const turn = run.turn ?? (await turns.assign(lane, owner));
    const sortKey = run.sortKey ?? sortKeyOf(turn, priority);
    if (run.turn === undefined) {
      const noting = link.connection.client.pipeline();
      runs.addPlace(noting, id, { turn, sortKey });
      await noting.exec();
    }
    await lanes.queueOf(lane).add({ run: id, group, sortKey, turn: { ...owner, turn } });
  }

  /** Lanes in which runs wait, and on which no instance works. */
  async #findStranded(): Promise<string[]> {
    const { link, lanes } = this.#parts;
    const now = this.#clock.now();
    const found: string[] = [];
    for (const lane of lanes.ids) {
      const [, lastUp] =
        lanes.countsOf(lane).waiting === 0
          ? [undefined, undefined]
          : await link.connection.client.zrange(link.keys.up(lane), '-1', '-1', 'WITHSCORES');
      const isUp = lastUp !== undefined && link.connection.now() - Number(lastUp) < LINE_HOLD_MS;
      if (isUp || lanes.countsOf(lane).waiting === 0) this.#strandedSince.delete(lane);
      else if (!this.#strandedSince.has(lane))
        this.#strandedSince.set(lane, now - (lastUp === undefined ? 0 : LINE_HOLD_MS));
      if (now - (this.#strandedSince.get(lane) ?? now) >= LINE_HOLD_MS) found.push(lane);
    }
    return found;
  }

  /**
   * Moves the first runs of a line, in its order. Those that no other server can do are taken, and
   * fail as they do in one process.
   */
  async #moveLine(from: string): Promise<void> {
    const { link, runs, lanes } = this.#parts;
    const queue = lanes.queueOf(from);
    let moved = 0;
    let isStuck = false;
    for (const id of (await queue.front(BATCH)).runs) {
      const run = await runs.read(id);
      if (run === undefined) continue;
      const to = lanes.otherFor(from, run.model);
      if (to === undefined) {
        isStuck = true;
        continue;
      }
      // It was taken, or has ended meanwhile.
      if ((await lanes.remove(from, id)) !== 'removed') continue;
      const moving = link.connection.client.pipeline();
      runs.addLane(moving, id, to);
      repliesOf(await moving.exec());
      await this.#addJob({ ...run, lane: to, turn: undefined, sortKey: undefined });
      moved += 1;
    }
    if (isStuck) lanes.takeStranded(from);
    if (moved > 0)
      log().warn({ part: 'queue', lane: from, runs: moved }, 'requests of a server that no one reaches were moved');
  }
}
