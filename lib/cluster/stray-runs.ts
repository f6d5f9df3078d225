import type { SharedLanes } from '#lib/cluster/shared-lanes';

const MAX_STRAYS = 10_000;

/**
 * Runs that were started in this process because Redis failed in the middle. Their jobs are to
 * leave the line once Redis is there; a worker that is faster finds no run.
 */
export class StrayRuns {
  readonly #lanes: Pick<SharedLanes, 'remove'>;
  readonly #isUsable: () => boolean;
  /** Their lanes. */
  readonly #strays = new Map<string, string>();

  constructor(lanes: Pick<SharedLanes, 'remove'>, isUsable: () => boolean) {
    this.#lanes = lanes;
    this.#isUsable = isUsable;
  }

  add(run: string, lane: string): void {
    if (this.#strays.size < MAX_STRAYS) this.#strays.set(run, lane);
  }

  /** Takes them out of their lines; those that fail are tried again. */
  remove(): void {
    if (this.#strays.size === 0 || !this.#isUsable()) return;
    for (const [run, lane] of this.#strays) {
      this.#strays.delete(run);
      this.#lanes.remove(lane, run).catch(() => this.add(run, lane));
    }
  }
}
