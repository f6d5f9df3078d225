/**
 * A time limit that is moved at every request and hardly ever reached: moving it costs an assignment, and one timer looks now and
 * then whether it has passed. It keeps no process alive.
 */
export class Deadline {
  readonly #onReached: () => void;
  #atMs = Number.POSITIVE_INFINITY;
  #looksAtMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(onReached: () => void) {
    this.#onReached = onReached;
  }

  /** Calls `onReached` once, `ms` from now, unless it is set again or cleared before. */
  set(ms: number): void {
    const nowMs = performance.now();
    this.#atMs = nowMs + ms;
    if (this.#atMs < this.#looksAtMs) this.#lookIn(ms, nowMs);
  }

  /** Takes the limit away; the timer may still be there. */
  clear(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  /** For good: nothing is left of it. */
  close(): void {
    this.clear();
    clearTimeout(this.#timer);
    this.#looksAtMs = Number.NEGATIVE_INFINITY;
  }

  #lookIn(ms: number, nowMs: number): void {
    clearTimeout(this.#timer);
    this.#looksAtMs = nowMs + ms;
    this.#timer = setTimeout(() => this.#look(), Math.ceil(ms));
    this.#timer.unref();
  }

  #look(): void {
    const nowMs = performance.now();
    this.#looksAtMs = Number.POSITIVE_INFINITY;
    if (this.#atMs === Number.POSITIVE_INFINITY) return;
    if (this.#atMs > nowMs) {
      this.#lookIn(this.#atMs - nowMs, nowMs);
      return;
    }
    this.clear();
    this.#onReached();
  }
}
