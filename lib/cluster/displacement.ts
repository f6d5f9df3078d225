import pLimit from 'p-limit';
import { queueFullError } from '#lib/chat/scheduler/queue-admission';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import type { SharedLineParts } from '#lib/cluster/shared-types';
import type { SharedTurns } from '#lib/cluster/turns';
import { chooseDisplaced, type QueueShare } from '#lib/max-min-fairness';
import { log } from '#lib/telemetry/log';

export interface DisplacementParts extends Pick<SharedLineParts, 'runs' | 'settings' | 'local'> {
  readonly lanes: SharedLanes;
  readonly turns: SharedTurns;
}

/**
 * Lets a caller of a full line displace the newest run of the caller with the largest share, as one
 * process does. Its work grows with the length of the line, and is done for a full one alone.
 */
export class Displacement {
  readonly #parts: DisplacementParts;

  readonly #inTurn = pLimit(1);

  constructor(parts: DisplacementParts) {
    this.#parts = parts;
  }

  /**
   * Makes room for a run of `caller`, a digest. Returns false if no
   * other caller holds more. Rejects if Redis does.
   */
  makeRoom(caller: string): Promise<boolean> {
    // Each reads all counts, and a whole line: several at a time would hold up the event loop.
    return this.#inTurn(() => this.#makeRoom(caller));
  }

  async #makeRoom(caller: string): Promise<boolean> {
    const { lanes, turns, runs } = this.#parts;
    const shares = new Map<string, number>();
    const byLane = new Map<string, ReadonlyMap<string, number>>();
    for (const lane of lanes.ids) {
      const waiting = await turns.waitingOf(lane);
      byLane.set(lane, waiting);
      for (const [name, count] of waiting) shares.set(name, (shares.get(name) ?? 0) + count);
    }
    const largest = chooseDisplaced(
      [...shares].map(([name, count]): [string, QueueShare] => [name, { held: count, displaceable: 1 }]),
      { caller, held: shares.get(caller) ?? 0, adds: 1 },
    );
    if (largest === undefined) return false;
    const most = [...byLane].sort(([, a], [, b]) => (b.get(largest) ?? 0) - (a.get(largest) ?? 0));
    for (const [lane] of most) {
      const run = await lanes.queueOf(lane).newestOf(largest);
      if (run === undefined) continue;
      if ((await lanes.remove(lane, run)) !== 'removed') continue;
      await runs.end(run, { type: 'error', error: this.#displaced() });
      log().debug({ part: 'queue', lane }, 'a request of the largest user of a full queue was displaced');
      return true;
    }
    return false;
  }

  #displaced() {
    const { settings, local, lanes } = this.#parts;
    return queueFullError('displaced', settings, lanes.waiting, local.view.averageMs / local.view.slots);
  }
}
