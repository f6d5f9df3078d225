interface Timer {
  at: number;
  callback: () => void;
  every: number | undefined;
}

/**
 * `setTimeout` and `setInterval` over an injected clock; equal times keep the order of creation.
 */
export function createTimers(now: () => number) {
  const timers = new Map<number, Timer>();
  let last = 0;
  const next = () => {
    let first: [number, Timer] | undefined;
    for (const entry of timers) if (first === undefined || entry[1].at < first[1].at) first = entry;
    return first;
  };
  return {
    set(callback: () => void, ms: number, repeats: boolean): number {
      const wait = Math.max(1, Number(ms) || 0);
      last += 1;
      timers.set(last, { at: now() + wait, callback, every: repeats ? wait : undefined });
      return last;
    },
    clear(id: unknown): void {
      if (typeof id === 'number') timers.delete(id);
    },
    /** Milliseconds until the next timer; −1 without timers. */
    untilNext(): number {
      const first = next();
      return first === undefined ? -1 : Math.max(0, first[1].at - now());
    },
    /** Calls the earliest due timer. */
    fire(): void {
      const first = next();
      if (first === undefined || first[1].at > now()) return;
      const [id, { callback, every }] = first;
      if (every === undefined) timers.delete(id);
      else timers.set(id, { at: now() + every, callback, every });
      callback();
    },
  };
}
