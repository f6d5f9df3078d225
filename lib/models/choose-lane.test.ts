import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseLane, expectedWaitMs, type LaneFigures, laneCostMs, loadMs, prefixMs } from '#lib/models/choose-lane';

const LANE: LaneFigures = {
  id: 'a',
  isUp: true,
  hasModel: true,
  isAvoided: false,
  weight: 1,
  slots: 1,
  running: 0,
  waiting: 0,
  averageMs: 1_000,
  isLoaded: true,
  measuredLoadMs: undefined,
  sizeBytes: undefined,
  reloadMs: 0,
  prefixTokens: 0,
  promptTokensPerSecond: 500,
};
const lane = (id: string, over: Partial<LaneFigures> = {}): LaneFigures => ({ ...LANE, id, ...over });
const choose = (lanes: readonly LaneFigures[], group = 'm') => chooseLane(lanes, { group })?.id;

const anyLane = fc.record({
  id: fc.constant(''),
  isUp: fc.boolean(),
  hasModel: fc.constantFrom(true, false, undefined),
  isAvoided: fc.boolean(),
  weight: fc.integer({ min: 1, max: 5 }),
  slots: fc.integer({ min: 1, max: 8 }),
  running: fc.integer({ min: 0, max: 8 }),
  waiting: fc.integer({ min: 0, max: 50 }),
  averageMs: fc.integer({ min: 1, max: 60_000 }),
  isLoaded: fc.boolean(),
  measuredLoadMs: fc.option(fc.integer({ min: 0, max: 60_000 }), { nil: undefined }),
  sizeBytes: fc.option(fc.integer({ min: 0, max: 50_000_000_000 }), { nil: undefined }),
  reloadMs: fc.constantFrom(0, 5_000),
  prefixTokens: fc.constantFrom(0, 100, 50_000),
  promptTokensPerSecond: fc.integer({ min: 1, max: 10_000 }),
});
const anyLanes = fc
  .array(anyLane, { minLength: 2, maxLength: 6 })
  .map((lanes) => lanes.map((figures, index) => ({ ...figures, id: `lane-${index}` })));

describe('chooseLane', () => {
  it('prefers an idle server to a busy one', () => {
    expect(choose([lane('a', { running: 1 }), lane('b')])).toBe('b');
    expect(choose([lane('a'), lane('b', { running: 1 })])).toBe('a');
  });

  it('prefers the server that has the model loaded until its wait exceeds the load', () => {
    const cold = lane('cold', { isLoaded: false, measuredLoadMs: 4_500 });
    for (let waiting = 0; waiting < 4; waiting++)
      expect(choose([lane('warm', { running: 1, waiting }), cold])).toBe('warm');
    expect(choose([lane('warm', { running: 1, waiting: 4 }), cold])).toBe('cold');
  });

  it('estimates the load of a model from its size, and else takes ten seconds', () => {
    expect(loadMs(lane('a', { isLoaded: false, sizeBytes: 5_000_000_000 }))).toBe(5_000);
    expect(loadMs(lane('a', { isLoaded: false }))).toBe(10_000);
    expect(loadMs(lane('a', { isLoaded: false, measuredLoadMs: 2_000, reloadMs: 3_000 }))).toBe(5_000);
    expect(loadMs(lane('a', { isLoaded: true, measuredLoadMs: 2_000, reloadMs: 3_000 }))).toBe(0);
  });

  it('stays with the server of the conversation for as long as that saves time', () => {
    const known = { prefixTokens: 1_000 };
    expect(choose([lane('a', { ...known, running: 1 }), lane('b')])).toBe('a');
    expect(choose([lane('a', { ...known, running: 1, waiting: 2 }), lane('b')])).toBe('b');
    // However long the conversation is, it is worth five seconds at most.
    expect(prefixMs(lane('a', { prefixTokens: 1_000_000 }))).toBe(5_000);
  });

  it('prefers the faster one of two idle servers, and spreads load over slots', () => {
    expect(choose([lane('slow', { averageMs: 4_000 }), lane('fast')])).toBe('fast');
    expect(choose([lane('a', { slots: 1, running: 1 }), lane('b', { slots: 4, running: 3 })])).toBe('b');
  });

  it('lets a weight of two wait twice as long', () => {
    expect(expectedWaitMs(lane('a', { weight: 2, running: 4 }))).toBe(2_000);
    expect(choose([lane('a', { weight: 2, running: 3 }), lane('b', { running: 2 })])).toBe('a');
  });

  it('specialises equal servers by model, though their measured times differ a little', () => {
    const lanes = [lane('a', { averageMs: 1_050 }), lane('b'), lane('c', { averageMs: 980 })];
    const models = Array.from({ length: 300 }, (_, index) => `model-${index}`);
    const counts = new Map<string | undefined, number>();
    for (const group of models) {
      const id = choose(lanes, group);
      expect(choose(lanes.toReversed(), group)).toBe(id);
      counts.set(id, (counts.get(id) ?? 0) + 1);
      // A server that goes moves only its own models.
      const left = lanes.filter((other) => other.id !== 'c');
      if (id !== 'c') expect(choose(left, group)).toBe(id);
    }
    expect([...counts.values()].every((count) => count >= 70)).toBe(true);
    expect(counts.size).toBe(3);
  });

  it('chooses nothing if no server has the model, and one that is down if none is up', () => {
    expect(choose([lane('a', { hasModel: false }), lane('b', { hasModel: false })])).toBeUndefined();
    expect(choose([lane('a', { isUp: false, running: 1 }), lane('b', { isUp: false })])).toBe('b');
    expect(choose([lane('a', { isUp: false }), lane('b', { hasModel: false })])).toBe('a');
    expect(choose([lane('a', { hasModel: undefined }), lane('b', { hasModel: false })])).toBe('a');
  });

  it('takes the only server there is, whatever its figures', () => {
    expect(choose([lane('a', { hasModel: false, isUp: false })])).toBe('a');
  });

  it('never chooses a worse class of server than there is', () => {
    fc.assert(
      fc.property(anyLanes, fc.string(), (lanes, group) => {
        const chosen = chooseLane(lanes, { group });
        const listed = lanes.some(({ hasModel }) => hasModel === true);
        const possible = lanes.filter(({ hasModel }) => (listed ? hasModel === true : hasModel === undefined));
        if (possible.length === 0) return chosen === undefined;
        if (chosen === undefined || !possible.includes(chosen)) return false;
        if (!chosen.isUp) return possible.every(({ isUp }) => !isUp);
        return !chosen.isAvoided || possible.every(({ isUp, isAvoided }) => !isUp || isAvoided);
      }),
    );
  });

  it('never costs more than the best by more than measurements differ', () => {
    fc.assert(
      fc.property(anyLanes, fc.string(), (lanes, group) => {
        const healthy = lanes.map((each) => ({ ...each, isUp: true, hasModel: true, isAvoided: false }));
        const chosen = chooseLane(healthy, { group });
        const best = healthy.reduce((a, b) => (laneCostMs(b) < laneCostMs(a) ? b : a));
        if (chosen === undefined) return false;
        const tolerance = 0.25 * (best.averageMs / best.weight + loadMs(best));
        return laneCostMs(chosen) <= laneCostMs(best) + tolerance + 1e-6;
      }),
    );
  });

  it('depends neither on the order of the servers nor on chance', () => {
    fc.assert(
      fc.property(anyLanes, fc.string(), (lanes, group) => {
        return chooseLane(lanes, { group }) === chooseLane(lanes.toReversed(), { group });
      }),
    );
  });
});
