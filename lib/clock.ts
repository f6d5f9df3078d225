/** Time, passed in so that tests do not wait. */
export interface Clock {
  /** Milliseconds since the epoch, with fractions; monotonic. */
  now(): number;
  /**
   * Calls `task` once after `ms`. Returns the function that cancels it. Does not keep the process
   * alive.
   */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
