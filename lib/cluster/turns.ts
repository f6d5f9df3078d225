import type { ChainableCommander } from 'ioredis';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { repliesOf } from '#lib/cluster/replies';
import { asError } from '#lib/errors';
import { log } from '#lib/telemetry/log';
import { DAY_SECONDS } from '#lib/units';

/** See `FairTurns`: a clock moves after this many runs that did not move it, or as many as wait. */
const MIN_STILL_RUNS = 16;
/** Members of the hash `held`, and of the sorted set of clocks. */
const ALL = 'all';
const STILL = 'still';
const COMMON_CLOCK = 'clock';

/** A run with its turn, as its job has it. The caller is a digest. */
export interface SharedTurn {
  readonly caller: string;
  /** On arrival. */
  readonly priority: number;
  readonly turn: number;
}

/**
 * The turns of `FairTurns` in Redis, with the same rules. A turn is `max(clock, next of the
 * caller)`, which `ZADD GT` and `ZINCRBY` compute in one transaction. The clock has to be read
 * before it, so a newcomer may come before what was served within the last 20 ms.
 *
 * Counts of waiting runs only decide when a clock may jump, and what a caller is refunded. An
 * instance that dies may leave one too high: `forget` resets them when nothing waits.
 */
export class SharedTurns {
  readonly #connection: CommandConnection;
  readonly #keys: RedisKeys;

  constructor(connection: CommandConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  /** Adds the two commands whose replies `clockOf` reads. */
  addClock(commands: ChainableCommander, lane: string, priority: number): void {
    commands.zmscore(this.#keys.clocks(lane), COMMON_CLOCK, String(priority));
    commands.hget(this.#keys.held(lane), String(priority));
  }

  /** The turn that is being served: a level without waiting runs takes over the common clock. */
  clockOf(clocks: unknown, waiting: unknown): number {
    const [common, level] = Array.isArray(clocks) ? clocks : [];
    const own = Number(level ?? 0);
    return Number(waiting ?? 0) > 0 ? own : Math.max(own, Number(common ?? 0));
  }

  /** Adds the commands that assign a turn. The reply of the last one is that of `turnOf`. */
  addAssignment(
    commands: ChainableCommander,
    lane: string,
    { caller, priority }: Omit<SharedTurn, 'turn'>,
    clock: number,
  ): void {
    const turns = this.#keys.turns(lane, priority);
    const level = String(priority);
    this.#addCounts(commands, lane, level, caller, 1);
    commands
      .zadd(this.#keys.clocks(lane), 'GT', clock, level)
      .zadd(turns, 'GT', clock, `n:${caller}`)
      .expire(turns, DAY_SECONDS)
      .zincrby(turns, 1, `n:${caller}`);
  }

  turnOf(reply: unknown): number {
    return Number(reply) - 1;
  }

  /** Reads the clock and assigns a turn, for a run that had none. Rejects if Redis does. */
  async assign(lane: string, of: Omit<SharedTurn, 'turn'>): Promise<number> {
    const { client } = this.#connection;
    const reading = client.pipeline();
    this.addClock(reading, lane, of.priority);
    const [clocks, waiting] = repliesOf(await reading.exec());
    const writing = client.multi();
    this.addAssignment(writing, lane, of, this.clockOf(clocks, waiting));
    return this.turnOf(repliesOf(await writing.exec()).at(-1));
  }

  /** A worker has taken the run: with `inTurn` the first of its line. Rejects if Redis does. */
  async markServed(lane: string, { caller, priority, turn }: SharedTurn, inTurn = true): Promise<void> {
    const { client } = this.#connection;
    const [clocks, turns, held] = [this.#keys.clocks(lane), this.#keys.turns(lane, priority), this.#keys.held(lane)];
    const level = String(priority);
    const still = `${level} ${STILL}`;
    const taking = client.multi();
    this.#addCounts(taking, lane, level, caller, -1);
    taking
      .zadd(clocks, 'NX', 0, level)
      .zadd(clocks, 'GT', 'CH', inTurn ? turn : 0, level)
      .zscore(clocks, level)
      .zadd(turns, 'GT', turn + 1, `s:${caller}`)
      .zscore(turns, `s:${caller}`)
      .hincrby(held, still, 1)
      .expire(turns, DAY_SECONDS);
    const [ofAll, ofLevel, ofCaller, , , , moved, clockReply, , servedReply, stillReply] = repliesOf(
      await taking.exec(),
    );
    // The run itself was among those that waited.
    const isStuck = Number(moved) === 0 && Number(stillReply) >= Math.max(MIN_STILL_RUNS, Number(ofAll) + 1);
    const clock = Number(clockReply) + (isStuck ? 1 : 0);
    const settling = client.multi();
    if (isStuck) settling.zincrby(clocks, 1, level);
    if (isStuck || Number(moved) > 0) settling.hset(held, still, 0);
    settling.zadd(clocks, 'GT', clock, COMMON_CLOCK);
    this.#addLeaving(settling, lane, { caller, priority }, Number(ofCaller), Number(servedReply), clock);
    this.#addZeros(settling, lane, level, { ofAll: Number(ofAll), ofLevel: Number(ofLevel) });
    // Callers who owe nothing are as those who are not known.
    settling.zremrangebyscore(turns, '-inf', String(clock));
    repliesOf(await settling.exec());
  }

  /** Like `markServed`, later. */
  noteServed(lane: string, run: string, turn: SharedTurn, inTurn: boolean): void {
    this.markServed(lane, turn, inTurn).catch((error: unknown) => {
      log().debug({ part: 'queue', run, reason: asError(error).message }, 'the clock of a lane was not moved');
    });
  }

  /** The run leaves the line unserved: its caller is not charged for it. Rejects if Redis does. */
  async refund(lane: string, { caller, priority, turn }: SharedTurn): Promise<void> {
    const { client } = this.#connection;
    const [clocks, turns] = [this.#keys.clocks(lane), this.#keys.turns(lane, priority)];
    const level = String(priority);
    const leaving = client.multi();
    this.#addCounts(leaving, lane, level, caller, -1);
    leaving.zmscore(turns, `n:${caller}`, `s:${caller}`).zscore(clocks, level);
    const [ofAll, ofLevel, ofCaller, , , scores, clock] = repliesOf(await leaving.exec());
    const [next, served] = Array.isArray(scores) ? scores : [];
    const settling = client.multi();
    if (Number(ofCaller) <= 0)
      this.#addLeaving(settling, lane, { caller, priority }, 0, Number(served ?? 0), Number(clock ?? 0));
    else if (Number(next) === turn + 1) settling.zincrby(turns, -1, `n:${caller}`);
    this.#addZeros(settling, lane, level, { ofAll: Number(ofAll), ofLevel: Number(ofLevel) });
    if (settling.length > 0) repliesOf(await settling.exec());
  }

  /** Waiting runs of each caller in a lane. Rejects if Redis does. */
  async waitingOf(lane: string): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const [field, count] of Object.entries(await this.#connection.client.hgetall(this.#keys.held(lane)))) {
      const [, caller] = field.split(' ');
      if (caller === undefined || caller === STILL) continue;
      counts.set(caller, (counts.get(caller) ?? 0) + Math.max(0, Number(count)));
    }
    return counts;
  }

  /**
   * Nothing waits in the lane and nothing runs: no run is counted. Beyond `maxClock`, turns
   * begin at 0 again. Rejects if Redis does.
   */
  async forget(lane: string, maxClock: number): Promise<void> {
    const { client } = this.#connection;
    const clocks = this.#keys.clocks(lane);
    const members = await client.zrange(clocks, '0', '-1', 'WITHSCORES');
    const levels = members.filter((_, index) => index % 2 === 0);
    const highest = Math.max(0, ...members.filter((_, index) => index % 2 === 1).map(Number));
    const forgotten =
      highest < maxClock
        ? []
        : [clocks, ...levels.filter((level) => level !== COMMON_CLOCK).map((level) => this.#keys.turns(lane, +level))];
    await client.del(this.#keys.held(lane), ...forgotten);
  }

  /** Three counts, and two times to live. */
  #addCounts(commands: ChainableCommander, lane: string, level: string, caller: string, by: 1 | -1): void {
    const held = this.#keys.held(lane);
    commands
      .hincrby(held, ALL, by)
      .hincrby(held, level, by)
      .hincrby(held, `${level} ${caller}`, by)
      .expire(held, DAY_SECONDS)
      .expire(this.#keys.clocks(lane), DAY_SECONDS);
  }

  /** A caller without waiting runs of a priority owes what was served, and nothing else. */
  #addLeaving(
    commands: ChainableCommander,
    lane: string,
    { caller, priority }: Omit<SharedTurn, 'turn'>,
    left: number,
    served: number,
    clock: number,
  ): void {
    if (left > 0) return;
    const turns = this.#keys.turns(lane, priority);
    commands.hdel(this.#keys.held(lane), `${priority} ${caller}`);
    if (served <= clock) commands.zrem(turns, `n:${caller}`, `s:${caller}`);
    else commands.zadd(turns, served, `n:${caller}`).expire(turns, DAY_SECONDS);
  }

  #addZeros(
    commands: ChainableCommander,
    lane: string,
    level: string,
    { ofAll, ofLevel }: { ofAll: number; ofLevel: number },
  ): void {
    const empty = [...(ofAll <= 0 ? [ALL] : []), ...(ofLevel <= 0 ? [level] : [])];
    if (empty.length > 0) commands.hdel(this.#keys.held(lane), ...empty);
  }
}
