import { describe, expect, it } from 'vitest';
import { COARSE, FINE, SeriesRecorder, type SeriesSource } from '#lib/server/series-recorder';

type Field = 'rate' | 'load' | 'latency';

/** A recorder of a counter and a gauge that the test moves. */
function recorded(start = 0) {
  const figures = { count: 0, load: 0 };
  const source: SeriesSource<{ count: number; load: number }, Field> = {
    fields: ['rate', 'load', 'latency'],
    peaks: ['load'],
    read: () => ({ ...figures }),
    point: (before, after, seconds) => ({
      rate: (after.count - before.count) / seconds,
      load: after.load,
      latency: after.count === before.count ? Number.NaN : 5,
    }),
  };
  return { figures, recorder: new SeriesRecorder(source, start) };
}

const { stepMs: STEP_MS } = FINE;
const ats = (points: { at: number }[]) => points.map(({ at }) => at / STEP_MS);

describe('SeriesRecorder', () => {
  it('records the change of each interval, and none where nothing was measured', () => {
    const { figures, recorder } = recorded();
    for (const step of [1, 2, 3]) {
      figures.count += step === 2 ? 0 : 20;
      recorder.record(step * STEP_MS);
    }
    const { points, completeUntil, stepMs } = recorder.series('1h', 0, 3 * STEP_MS);
    expect(stepMs).toBe(STEP_MS);
    expect(completeUntil).toBe(3 * STEP_MS);
    expect(points.map(({ point }) => point.rate)).toEqual([2, 0, 2]);
    expect(points.map(({ point }) => point.latency)).toEqual([5, Number.NaN, 5]);
  });

  it('adds the interval in progress, once it is long enough for a rate', () => {
    const { figures, recorder } = recorded();
    recorder.record(STEP_MS);
    figures.count = 8;
    expect(ats(recorder.series('1h', 0, STEP_MS + 1_000).points)).toEqual([1]);
    const { points, completeUntil } = recorder.series('1h', 0, STEP_MS + 4_000);
    expect(points.at(-1)).toMatchObject({ at: STEP_MS + 4_000, point: { rate: 2 } });
    expect(completeUntil).toBe(STEP_MS);
    // It is not recorded by that.
    recorder.record(2 * STEP_MS);
    const rates = recorder.series('1h', 0, 2 * STEP_MS).points.map(({ point }) => point.rate);
    expect(rates).toEqual([0, Math.fround(0.8)]);
  });

  it('joins a first interval that is too short to the next', () => {
    const { figures, recorder } = recorded(STEP_MS - 1_000);
    figures.count = 10;
    recorder.record(STEP_MS);
    expect(recorder.series('1h', 0, STEP_MS).points).toEqual([]);
    recorder.record(2 * STEP_MS);
    const [only] = recorder.series('1h', 0, 2 * STEP_MS).points;
    expect(only?.point.rate).toBeCloseTo(10 / 11);
  });

  it('leaves a gap where the process was suspended, and spreads the change over all of it', () => {
    const { figures, recorder } = recorded();
    recorder.record(STEP_MS);
    figures.count = 90;
    recorder.record(10 * STEP_MS);
    const { points } = recorder.series('1h', 0, 10 * STEP_MS);
    expect(ats(points)).toEqual([1, 10]);
    expect(points[1]?.point.rate).toBe(1);
  });

  it('sums up five minutes of a day: rates over all of them, the largest load', () => {
    const { figures, recorder } = recorded();
    const steps = COARSE.stepMs / STEP_MS;
    for (let step = 1; step <= 2 * steps; step += 1) {
      figures.count += 1;
      figures.load = step === 7 ? 9 : 1;
      recorder.record(step * STEP_MS);
    }
    const { points, stepMs } = recorder.series('24h', 0, 2 * COARSE.stepMs);
    expect(stepMs).toBe(COARSE.stepMs);
    expect(points.map(({ point }) => point.load)).toEqual([9, 1]);
    for (const { point } of points) expect(point.rate).toBeCloseTo(0.1);
  });

  it('keeps an hour and a day, and returns five minutes, an hour or a day of it', () => {
    const { recorder } = recorded();
    const day = 25 * 60 * 6;
    for (let step = 1; step <= day; step += 1) recorder.record(step * STEP_MS);
    const now = day * STEP_MS;
    expect(recorder.series('5m', 0, now).points).toHaveLength(30);
    expect(recorder.series('1h', 0, now).points).toHaveLength(360);
    expect(recorder.series('24h', 0, now).points).toHaveLength(288);
    expect(ats(recorder.series('1h', now - 2 * STEP_MS, now).points)).toEqual([day - 1, day]);
  });

  it('has nothing from before a start or after a long pause that is out of range', () => {
    const { recorder } = recorded(1_000 * STEP_MS);
    recorder.record(1_001 * STEP_MS);
    expect(ats(recorder.series('1h', 0, 1_001 * STEP_MS).points)).toEqual([1_001]);
    // The clock is far ahead of the timer: only the interval in progress is left.
    expect(ats(recorder.series('1h', 0, 9_000 * STEP_MS).points)).toEqual([9_000]);
  });

  it('starts again when the clock goes back', () => {
    const { recorder } = recorded(100 * STEP_MS);
    recorder.record(101 * STEP_MS);
    recorder.record(50 * STEP_MS);
    recorder.record(51 * STEP_MS);
    expect(ats(recorder.series('1h', 0, 51 * STEP_MS).points)).toEqual([51]);
  });
});
