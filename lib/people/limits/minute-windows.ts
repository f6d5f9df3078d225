import { LRUCache } from 'lru-cache';

export const WINDOW_MS = 60_000;
/** One window for each subject and limit. */
const MAX_WINDOWS = 40_000;

/** Requests a minute by key; over all servers where they share a Redis. */
export interface MinuteCounts {
  /** Requests in the current window of `key`, and the milliseconds until it ends. */
  stateOf(key: string, nowMs: number): { readonly count: number; readonly leftMs: number };
  add(key: string, count: number, nowMs: number): void;
  /** Brings a count up to date. Undefined if it is; never rejects. Absent if counts are local. */
  load?(key: string): Promise<void> | undefined;
}

/** Open requests by subject. */
export interface OpenCounts {
  get(subject: string): number;
  add(subject: string, count: number): void;
}

/** Open requests of this process. Not bounded here: the queue and the runner bound requests. */
export class LocalOpenCounts implements OpenCounts {
  readonly #counts = new Map<string, number>();

  get(subject: string): number {
    return this.#counts.get(subject) ?? 0;
  }

  add(subject: string, count: number): void {
    const left = this.get(subject) + count;
    if (left > 0) this.#counts.set(subject, left);
    else this.#counts.delete(subject);
  }
}

/** Requests since a moment. */
interface Window {
  startMs: number;
  count: number;
}

/**
 * Requests a minute in fixed windows that begin with the first request. Times are monotonic, so
 * that no change of the clock ends or prolongs a window.
 */
export class MinuteWindows implements MinuteCounts {
  readonly #windows = new LRUCache<string, Window>({ max: MAX_WINDOWS });

  stateOf(key: string, nowMs: number): { readonly count: number; readonly leftMs: number } {
    const window = this.#windows.get(key);
    if (window === undefined || nowMs >= window.startMs + WINDOW_MS) return { count: 0, leftMs: 0 };
    return { count: window.count, leftMs: window.startMs + WINDOW_MS - nowMs };
  }

  add(key: string, count: number, nowMs: number): void {
    const window = this.#windows.get(key);
    if (window === undefined || nowMs >= window.startMs + WINDOW_MS)
      this.#windows.set(key, { startMs: nowMs, count: Math.max(0, count) });
    else window.count = Math.max(0, window.count + count);
  }
}
