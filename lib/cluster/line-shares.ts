import { LRUCache } from 'lru-cache';
import type { Generation } from '#lib/chat/generation/generation';
import type { LaneQueue } from '#lib/cluster/lane-queue';
import type { ShareStatus } from '#lib/wire/limits';

/** Waiting runs whose callers are in memory; the others are read again. */
const MAX_CALLERS = 10_000;

export type SharesByRun = ReadonlyMap<string, ShareStatus>;

export interface LineSharesOptions {
  /** The name of a caller in Redis. */
  readonly nameOf: (caller: string) => string;
  /** Which of these runs still wait behind others. Rejects if Redis does. */
  readonly stillBehind: (runs: readonly string[]) => Promise<ReadonlySet<string>>;
}

/**
 * What readers of waiting generations see of the share that their caller has used up, and how many
 * other callers are in front of them.
 */
export class LineShares {
  readonly #options: LineSharesOptions;
  readonly #callers = new LRUCache<string, string>({ max: MAX_CALLERS });

  constructor(options: LineSharesOptions) {
    this.#options = options;
  }

  /**
   * The shares of those of `generations` that wait behind others. `runs` are the first ones of
   * their line in its order: of a generation that is not among them, only these are counted.
   * Rejects if Redis does.
   */
  async of(queue: LaneQueue, runs: readonly string[], generations: readonly Generation[]): Promise<SharesByRun> {
    const behind = generations.filter(isMaybeBehind);
    if (behind.length === 0) return NONE;
    const [still] = await Promise.all([
      this.#options.stillBehind(behind.map(({ id }) => id)),
      ...behind.map(({ allowance }) => allowance?.load()),
    ]);
    const shares = new Map<string, ShareStatus>();
    const counted: Generation[] = [];
    for (const generation of behind) {
      // A caller within its share has asked for the same, perhaps at another instance.
      if (!still.has(generation.id)) generation.isBehind = false;
      else if (generation.allowance?.overrun() !== undefined) counted.push(generation);
    }
    if (counted.length === 0) return shares;
    const ahead = await this.#countAhead(queue, runs, counted);
    for (const { id, allowance } of counted) {
      const overrun = allowance?.overrun();
      if (overrun !== undefined) shares.set(id, { ...overrun, ahead: ahead.get(id) ?? 0 });
    }
    return shares;
  }

  async #countAhead(
    queue: LaneQueue,
    runs: readonly string[],
    generations: readonly Generation[],
  ): Promise<ReadonlyMap<string, number>> {
    const unknown = runs.filter((run) => this.#callers.get(run) === undefined);
    const found = unknown.length === 0 ? new Map<string, string>() : await queue.callersOf(unknown);
    for (const [run, caller] of found) this.#callers.set(run, caller);
    const left = new Map(generations.map((generation) => [generation.id, generation]));
    const ahead = new Map<string, number>();
    const callers = new Set<string>();
    const note = ({ id, caller }: Generation) =>
      ahead.set(id, callers.size - (callers.has(this.#options.nameOf(caller)) ? 1 : 0));
    for (const run of runs) {
      const generation = left.get(run);
      if (generation !== undefined) {
        note(generation);
        left.delete(run);
      }
      const caller = found.get(run) ?? this.#callers.get(run);
      if (caller !== undefined) callers.add(caller);
    }
    for (const generation of left.values()) note(generation);
    return ahead;
  }
}

/** The share that its readers have. */
export function lastShareOf({ isBehind, log }: Generation): { share?: ShareStatus } {
  const share = isBehind ? log.status?.share : undefined;
  return share === undefined ? {} : { share };
}

function isMaybeBehind({ isBehind, allowance }: Generation): boolean {
  return isBehind && allowance !== undefined;
}

const NONE: SharesByRun = new Map();
