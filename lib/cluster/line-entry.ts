import { setTimeout as delay } from 'node:timers/promises';
import type { ChainableCommander } from 'ioredis';
import type { Generation } from '#lib/chat/generation/generation';
import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import type { Displacement } from '#lib/cluster/displacement';
import { repliesOf } from '#lib/cluster/replies';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import type { LocalLane, SharedLineParts } from '#lib/cluster/shared-types';
import type { SharedTurn, SharedTurns } from '#lib/cluster/turns';

/** A turn so far before the clock was assigned by a clock that was reset meanwhile. */
const MAX_AHEAD = 2 ** 19;
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

/**
 * The way of a run into the line of its lane: the clock and the lengths, one transaction that
 * creates the run and assigns its turn, its job, and a last look at what others have done in
 * between.
 */
export class LineEntry {
  readonly #parts: LineEntryParts;

  constructor(parts: LineEntryParts) {
    this.#parts = parts;
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
    const reading = client.pipeline();
    this.#addLine(reading, lane, priority);
    const takeCounts = lanes.addCounts(reading);
    const [, first, held, ...counts] = repliesOf(await reading.exec());
    takeCounts(counts);
    const chosen = isAccepted ? lane : this.#parts.chooseAgain(generation, lane);
    const clocks = chosen === lane ? { first, held } : await this.#readLine(chosen, priority);
    const { id } = chosen.server;
    const queue = lanes.queueOf(id);
    const isFull = !isAccepted && lanes.wouldWait(id) && lanes.excess >= settings.QUEUE_MAX_SIZE;
    if (isFull && !(await displacement.makeRoom(owner.caller))) return 'refused';
    const creating = client.multi();
    runs.addCreation(creating, { generation, lane: id });
    turns.addAssignment(creating, id, owner, turns.clockOf(clocks.first, clocks.held));
    const turn = { ...owner, turn: turns.turnOf(repliesOf(await creating.exec()).at(-1)) };
    if (generation.finishedAt !== undefined) {
      await turns.refund(id, turn);
      return 'ended';
    }
    const sortKey = sortKeyOf(turn.turn, priority);
    const noting = client.pipeline();
    runs.addPlace(noting, run, { turn: turn.turn, sortKey });
    await Promise.all([noting.exec().then(repliesOf), queue.add({ run, group, sortKey, turn })]);
    // It is in the line, whatever becomes of the check.
    return await this.#check(generation, id, turn, isAccepted).catch((): EntryOutcome => 'entered');
  }

  /** Adds the commands with these replies: one to ignore, and two for `SharedTurns.clockOf`. */
  #addLine(commands: ChainableCommander, { server }: LocalLane, priority: number): void {
    const { lanes, turns } = this.#parts;
    lanes.queueOf(server.id).addBound(commands, server.slots);
    turns.addClock(commands, server.id, priority);
  }

  async #readLine(lane: LocalLane, priority: number): Promise<{ readonly first: unknown; readonly held: unknown }> {
    const reading = this.#parts.link.connection.client.pipeline();
    this.#addLine(reading, lane, priority);
    const [, first, held] = repliesOf(await reading.exec());
    return { first, held };
  }

  /** What others have done in between: the bound, the clock, and a request that has ended. */
  async #check(generation: Generation, lane: string, turn: SharedTurn, isAccepted: boolean): Promise<EntryOutcome> {
    const { link, turns, lanes } = this.#parts;
    const queue = lanes.queueOf(lane);
    const reading = link.connection.client.pipeline();
    turns.addClock(reading, lane, turn.priority);
    const takeCounts = lanes.addCounts(reading);
    queue.addRenewal(reading);
    queue.addPosition(reading, generation.id);
    const [clocks, held, ...replies] = repliesOf(await reading.exec());
    takeCounts(replies);
    const hasEnded = generation.finishedAt !== undefined;
    if (hasEnded || (!isAccepted && (await this.#isExcess(generation, lane)))) {
      // Else a worker has it, or has ended it already.
      if ((await lanes.remove(lane, generation.id)) === 'removed') return hasEnded ? 'ended' : 'refused';
    }
    if (turn.turn - turns.clockOf(clocks, held) >= MAX_AHEAD) {
      const again = await turns.assign(lane, turn);
      await queue.move(generation.id, () => sortKeyOf(again, turn.priority));
    }
    const position = queue.positionIn(replies.slice(-3));
    if (position !== undefined && lanes.hasToWait(lane, position))
      await this.#parts.onWaiting(generation, lane, position);
    return 'entered';
  }

  /** Whether the line was full when the run came: of several at a time, the first ones stay. */
  async #isExcess({ id }: Generation, lane: string): Promise<boolean> {
    const { lanes, settings } = this.#parts;
    if (lanes.excess <= settings.QUEUE_MAX_SIZE) return false;
    const earlier = await lanes.queueOf(lane).countEarlier(id);
    return earlier !== undefined && lanes.excessBefore(lane, earlier) >= settings.QUEUE_MAX_SIZE;
  }
}
