import { SECOND_MS } from '#lib/units';

/** A process that ran for so long did not fail because of how it was started. */
const STABLE_MS = 10 * SECOND_MS;
const FIRST_DELAY_MS = SECOND_MS / 2;
const MAX_DELAY_MS = 30 * SECOND_MS;

/** Exponential backoff for a process that is started again whenever it ends. */
export class RestartBackoff {
  #failures = 0;

  /**
   * How long to wait, in ms, after a process that ran for `ranForMs`: not at all the first time,
   * then 0.5 s, 1 s, … 30 s for one that ends again within 10 s.
   */
  delayAfter(ranForMs: number): number {
    if (ranForMs >= STABLE_MS) this.#failures = 0;
    const delayMs = this.#failures === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (this.#failures - 1), MAX_DELAY_MS);
    this.#failures += 1;
    return delayMs;
  }
}
