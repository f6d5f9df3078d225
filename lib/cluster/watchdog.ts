import { SECOND_MS } from '#lib/units';

/** A worker that takes nothing for so long, although it could, is stuck. */
export const STUCK_MS = 15 * SECOND_MS;

export interface LaneSight {
  /** Runs wait, and slots are free. */
  readonly hasWork: boolean;
  /** The worker is not paused. */
  readonly isTaking: boolean;
  /** When the worker took a run last, or was made. */
  readonly lastTakenAt: number;
  readonly now: number;
}

export interface LaneWatchdog {
  /** Whether the worker has to be made again. Called every few seconds. */
  look(sight: LaneSight): boolean;
}

/**
 * Finds a worker that waits for ever on a connection, without an error. That has happened to
 * BullMQ after Redis was away (its issues 4585 and 4479).
 */
export function watchLane(): LaneWatchdog {
  let since: number | undefined;
  return {
    look({ hasWork, isTaking, lastTakenAt, now }) {
      if (!hasWork || !isTaking) {
        since = undefined;
        return false;
      }
      since ??= now;
      if (now - Math.max(since, lastTakenAt) < STUCK_MS) return false;
      since = undefined;
      return true;
    },
  };
}
