/**
 * A timeout that is moved with every request and rarely reached. Moving it is an assignment. One
 * timer checks occasionally whether it has passed. It does not keep the process alive.
 */
export class Deadline {
  readonly #onReached: () => void;
  #deadlineMs = Number.POSITIVE_INFINITY;
  #nextCheckMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  /**
   * Calls `onReached` once, `ms` from now, unless it is set again or cleared before. An infinite
   * time is never reached.
   */
  set(ms: number): void {
    if (ms === Number.POSITIVE_INFINITY) {
      this.clear();
      return;
    }
    const nowMs = performance.now();
    this.#deadlineMs = nowMs + ms;
    if (this.#deadlineMs < this.#nextCheckMs) this.#scheduleCheck(ms, nowMs);
  }

  /** Removes the deadline. The timer may stay. */
  clear(): void {
    this.#deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Removes the deadline and the timer for good. */
  close(): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#nextCheckMs = Number.NEGATIVE_INFINITY;
  }

  #scheduleCheck(ms: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#nextCheckMs = nowMs + ms;
    this.#timer = setTimeout(() => this.#check(), Math.ceil(ms));
    this.#timer.unref();
  }

  #check(): void {
    const nowMs = performance.now();
    this.#nextCheckMs = Number.POSITIVE_INFINITY;
    if (this.#deadlineMs === Number.POSITIVE_INFINITY) return;
    if (this.#deadlineMs > nowMs) {
      this.#scheduleCheck(this.#deadlineMs - nowMs, nowMs);
      return;
    }
    this.clear();
    this.#onReached();
  }
}
