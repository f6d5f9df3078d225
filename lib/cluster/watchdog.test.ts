import { expect, it } from 'vitest';
import { STUCK_MS, watchLane } from '#lib/cluster/watchdog';

const busy = { hasWork: true, isTaking: true, lastTakenAt: 0 };

it('reports a worker that takes nothing while runs wait and slots are free', () => {
  const { look } = watchLane();
  expect(look({ ...busy, now: 100_000 })).toBe(false);
  expect(look({ ...busy, now: 100_000 + STUCK_MS - 1 })).toBe(false);
  expect(look({ ...busy, now: 100_000 + STUCK_MS })).toBe(true);
  // The one that replaces it has as much time.
  expect(look({ ...busy, now: 100_001 + STUCK_MS })).toBe(false);
});

it('begins again when there was nothing to take, when it was paused, and when it took a run', () => {
  for (const between of [{ hasWork: false }, { isTaking: false }]) {
    const { look } = watchLane();
    look({ ...busy, now: 100_000 });
    look({ ...busy, ...between, now: 110_000 });
    expect(look({ ...busy, now: 100_000 + STUCK_MS })).toBe(false);
  }
  const { look } = watchLane();
  look({ ...busy, now: 100_000 });
  expect(look({ ...busy, lastTakenAt: 110_000, now: 100_000 + STUCK_MS })).toBe(false);
  expect(look({ ...busy, lastTakenAt: 110_000, now: 110_000 + STUCK_MS })).toBe(true);
});
