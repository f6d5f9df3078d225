import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Generation } from '#lib/chat/generation/generation';
import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import type { Displacement } from '#lib/cluster/displacement';
import { repliesOf } from '#lib/cluster/replies';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import type { LocalLane, SharedLineParts } from '#lib/cluster/shared-types';
import type { SharedTurn, SharedTurns } from '#lib/cluster/turns';

/** A turn so far before the clock was assigned by a clock that was reset meanwhile. */
const MAX_AHEAD = 2 ** 19;
/** What was read of the lines before a run was made is used for so long, else read again. */
const AHEAD_MS = 20;
/** Redis may not respond for so long before submissions go to the local scheduler. */
const HICCUP_MS = 500;
const LOOK_MS = 50;

/** `ended`: the run has ended on its way, and is in no line. */
export type EntryOutcome = 'entered' | 'refused' | 'ended';

export interface LineEntryParts extends Pick<SharedLineParts, 'link' | 'runs' | 'settings'> {
  readonly lanes: SharedLanes;
  readonly turns: SharedTurns;
  readonly displacement: Displacement;
  /** The lane for a run that enters, by the lengths that have just been read. */
  readonly chooseAgain: (generation: Generation, lane: LocalLane) => LocalLane;
  /** A run has entered the line of a lane, and waits there at this position. */
  readonly onWaiting: (generation: Generation, lane: string, position: number) => Promise<void>;
}

/** What is seen of a run in its line. */
interface Look {
  readonly clock: number;
  /** Undefined if it does not wait. */
  readonly position: number | undefined;
  /** Whether the line or a worker has it. */
  readonly isThere: boolean;
}

/** The clocks of lanes for runs of one priority, by lane. */
interface Clocks {
  readonly byLane: ReadonlyMap<string, number>;
  readonly readMs: number;
}

/**
 * The way of a run into the line of its lane: the clock and the lengths, one transaction that
 * creates the run and assigns its turn, and its job with a last look at what others have done in
 * between. The first of these trips is that of the request's flight where `readAhead` was called.
 */
export class LineEntry {
  readonly #parts: LineEntryParts;
  #ahead: { readonly priority: number; readonly clocks: Promise<Clocks> } | undefined;

  constructor(parts: LineEntryParts) {
    this.#parts = parts;
  }

  /** Reads what a run needs that is submitted within the next moment. Never throws. */
  readAhead(priority: number): void {
    if (!this.#parts.link.connection.isUsable) return;
    const clocks = this.#readClocks(this.#parts.lanes.ids, priority);
    // A run that needs it reads it again.
    clocks.catch(() => {});
    this.#ahead = { priority, clocks };
  }

  /**
   * Puts a run into the line, unless that is full; one that was accepted before in any case.
   * Rejects if Redis does.
   */
  async enter(generation: Generation, lane: LocalLane, isAccepted: boolean): Promise<EntryOutcome> {
    const { link, runs, settings, turns, lanes, displacement } = this.#parts;
    // One slow command lets all others fail until the probe: that is no outage.
    for (let waitedMs = 0; !link.connection.isUsable && waitedMs < HICCUP_MS; waitedMs += LOOK_MS) await delay(LOOK_MS);
    if (generation.finishedAt !== undefined) return 'ended';
    const { client } = link.connection;
    const { id: run, group, priority } = generation;
    const owner = { caller: link.keys.nameOf(generation.caller), priority };
    const clocks = await this.#clocksFor(lane.server.id, priority);
    const chosen = isAccepted ? lane : this.#parts.chooseAgain(generation, lane);
    const { id, slots } = chosen.server;
    const clock = clocks.get(id) ?? (await this.#readClocks([id], priority)).byLane.get(id) ?? 0;
    const queue = lanes.queueOf(id);
    const isFull = !isAccepted && lanes.wouldWait(id) && lanes.excess >= settings.QUEUE_MAX_SIZE;
    if (isFull && !(await displacement.makeRoom(owner.caller))) return 'refused';
    const creating = client.multi();
    queue.addBound(creating, slots);
    runs.addCreation(creating, { generation, lane: id });
    turns.addAssignment(creating, id, owner, clock);
    const turn = { ...owner, turn: turns.turnOf(repliesOf(await creating.exec()).at(-1)) };
    if (generation.finishedAt !== undefined) {
      await turns.refund(id, turn);
      return 'ended';
    }
    const sortKey = sortKeyOf(turn.turn, priority);
    const noting = client.pipeline();
    runs.addPlace(noting, run, { turn: turn.turn, sortKey });
    const adding = Promise.all([noting.exec().then(repliesOf), queue.add({ run, group, sortKey, turn })]);
    // Sent behind it, in the same trip.
    const looking = nextTurn().then(() => this.#look(run, id, priority));
    // The guard has recorded the failure; `#check` sees it, too.
    looking.catch(() => {});
    await adding;
    // It is in the line, whatever becomes of the check.
    return await this.#check(generation, id, turn, isAccepted, looking).catch((): EntryOutcome => 'entered');
  }

  /** What was read for this priority a moment ago, or is read now. Rejects if Redis does. */
  async #clocksFor(lane: string, priority: number): Promise<Clocks['byLane']> {
    const ahead = this.#ahead;
    if (ahead?.priority === priority) {
      const clocks = await ahead.clocks.catch(() => undefined);
      const isNew = clocks !== undefined && performance.now() - clocks.readMs < AHEAD_MS;
      if (isNew && clocks.byLane.has(lane)) return clocks.byLane;
    }
    return (await this.#readClocks([lane], priority)).byLane;
  }

  /** Reads the clocks of these lanes, and the lengths of all. Rejects if Redis does. */
  async #readClocks(ids: readonly string[], priority: number): Promise<Clocks> {
    const { lanes, turns, link } = this.#parts;
    const reading = link.connection.client.pipeline();
    for (const id of ids) turns.addClock(reading, id, priority);
    const takeCounts = lanes.addCounts(reading);
    const replies = repliesOf(await reading.exec());
    takeCounts(replies.slice(2 * ids.length));
    const clocks = ids.map((id, at) => [id, turns.clockOf(replies[2 * at], replies[2 * at + 1])] as const);
    return { byLane: new Map(clocks), readMs: performance.now() };
  }

  /** What others have done in between: the bound, the clock, and a request that has ended. */
  async #check(
    generation: Generation,
    lane: string,
    turn: SharedTurn,
    isAccepted: boolean,
    looking: Promise<Look>,
  ): Promise<EntryOutcome> {
    const { turns, lanes } = this.#parts;
    const seen = await looking;
    // Else it was sent before the job, or the run has ended already.
    const { position, clock } = seen.isThere ? seen : await this.#look(generation.id, lane, turn.priority);
    // A worker has it, or has ended it already.
    if (position === undefined) return 'entered';
    const hasEnded = generation.finishedAt !== undefined;
    if (hasEnded || (!isAccepted && (await this.#isExcess(generation, lane)))) {
      if ((await lanes.remove(lane, generation.id)) === 'removed') return hasEnded ? 'ended' : 'refused';
    }
    if (turn.turn - clock >= MAX_AHEAD) {
      const again = await turns.assign(lane, turn);
      await lanes.queueOf(lane).move(generation.id, () => sortKeyOf(again, turn.priority));
    }
    if (lanes.hasToWait(lane, position)) await this.#parts.onWaiting(generation, lane, position);
    return 'entered';
  }

  /** Reads the counts of all lanes too. Rejects if Redis does. */
  async #look(run: string, lane: string, priority: number): Promise<Look> {
    const { link, turns, lanes } = this.#parts;
    const queue = lanes.queueOf(lane);
    const reading = link.connection.client.pipeline();
    turns.addClock(reading, lane, priority);
    const takeCounts = lanes.addCounts(reading);
    queue.addRenewal(reading);
    queue.addPosition(reading, run);
    const [clocks, held, ...replies] = repliesOf(await reading.exec());
    takeCounts(replies);
    const [isThere, ...place] = replies.slice(-4);
    return { clock: turns.clockOf(clocks, held), position: queue.positionIn(place), isThere: isThere === 1 };
  }

  /** Whether the line was full when the run came: of several at a time, the first ones stay. */
  async #isExcess({ id }: Generation, lane: string): Promise<boolean> {
    const { lanes, settings } = this.#parts;
    if (lanes.excess <= settings.QUEUE_MAX_SIZE) return false;
    const earlier = await lanes.queueOf(lane).countEarlier(id);
    return earlier !== undefined && lanes.excessBefore(lane, earlier) >= settings.QUEUE_MAX_SIZE;
  }
}
