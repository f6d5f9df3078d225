import { describe, expect, it } from 'vitest';
import { TimeSeries } from '#lib/telemetry/time-series';

const STEP_MS = 10;
const series = () => new TimeSeries(['a', 'b'], { stepMs: STEP_MS, capacity: 4 });
const at = (step: number) => ({ a: step, b: -step });

describe('TimeSeries', () => {
  it('keeps the newest points when it is full', () => {
    const ring = series();
    expect(ring.points(0)).toEqual([]);
    expect(ring.newestAt).toBeUndefined();
    for (let step = 1; step <= 6; step += 1) ring.add(step * STEP_MS, at(step));
    expect(ring.points(0)).toEqual([3, 4, 5, 6].map((step) => ({ at: step * STEP_MS, point: at(step) })));
    expect(ring.newestAt).toBe(60);
  });

  it('returns the points after a moment, at most as many as are wanted', () => {
    const ring = series();
    for (const step of [1, 2, 3]) ring.add(step * STEP_MS, at(step));
    expect(ring.points(20).map((point) => point.at)).toEqual([30]);
    expect(ring.points(15).map((point) => point.at)).toEqual([20, 30]);
    expect(ring.points(0, 2).map((point) => point.at)).toEqual([20, 30]);
    expect(ring.points(30)).toEqual([]);
  });

  it('leaves a gap where no point was added, also for longer than it remembers', () => {
    const ring = series();
    for (const step of [1, 2, 4]) ring.add(step * STEP_MS, at(step));
    expect(ring.points(0).map((point) => point.at)).toEqual([10, 20, 40]);
    ring.add(1_000, at(100));
    expect(ring.points(0).map((point) => point.at)).toEqual([1_000]);
  });

  it('rounds to the nearest step, so that an early or late timer changes nothing', () => {
    const ring = series();
    ring.add(9, at(1));
    ring.add(24, at(2));
    expect(ring.points(0).map((point) => point.at)).toEqual([10, 20]);
  });

  it('starts again when the clock goes back', () => {
    const ring = series();
    for (const step of [7, 8]) ring.add(step * STEP_MS, at(step));
    ring.add(5 * STEP_MS, at(5));
    expect(ring.points(0).map((point) => point.at)).toEqual([50]);
    ring.add(6 * STEP_MS, at(6));
    expect(ring.points(0).map((point) => point.at)).toEqual([50, 60]);
  });
});
