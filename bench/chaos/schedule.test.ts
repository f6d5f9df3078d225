import { describe, expect, it } from 'vitest';
import { type ChaosEvent, chaosEvents, describeEvent, EVENT_KINDS, randomOf, shuffled } from './schedule.ts';

const FLEET = { instances: 3, modelServers: 2 };

function first(count: number, seed: number, fleet = FLEET): ChaosEvent[] {
  return chaosEvents(seed, fleet).take(count).toArray();
}

describe('chaosEvents', () => {
  it('are the same for one seed, and others for another one', () => {
    expect(first(50, 7)).toEqual(first(50, 7));
    expect(first(50, 7)).not.toEqual(first(50, 8));
  });

  it('have each kind once in every round, and not always in one order', () => {
    const rounds = Array.from({ length: 20 }, (_, round) =>
      first(100, 3)
        .slice(round * EVENT_KINDS.length, (round + 1) * EVENT_KINDS.length)
        .map(({ kind }) => kind),
    );
    for (const round of rounds) expect(round.toSorted()).toEqual(EVENT_KINDS.toSorted());
    expect(new Set(rounds.map((round) => round.join())).size).toBeGreaterThan(5);
  });

  it('stay within their bounds, and reach all of the fleet', () => {
    const events = first(1_000, 11);
    const reached = { instances: new Set<number>(), servers: new Set<number>(), frozen: new Set<boolean>() };
    for (const event of events) {
      expect(event.waitMs).toBeGreaterThanOrEqual(3_000);
      expect(event.waitMs).toBeLessThanOrEqual(12_000);
      if ('awayMs' in event) {
        expect(event.awayMs).toBeGreaterThanOrEqual(1_000);
        expect(event.awayMs).toBeLessThanOrEqual(8_000);
      }
      if ('instance' in event) reached.instances.add(event.instance);
      if ('server' in event) reached.servers.add(event.server);
      if ('isFrozen' in event) reached.frozen.add(event.isFrozen);
      if ('order' in event) expect(event.order.toSorted()).toEqual([0, 1, 2]);
    }
    expect([...reached.instances].sort()).toEqual([0, 1, 2]);
    expect([...reached.servers].sort()).toEqual([0, 1]);
    expect(reached.frozen.size).toBe(2);
  });
});

it('draws numbers from 0 to below 1 that are spread evenly', () => {
  const random = randomOf(1);
  const drawn = Array.from({ length: 10_000 }, random);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...drawn)).toBeLessThan(1);
  expect(drawn.reduce((sum, value) => sum + value, 0) / drawn.length).toBeCloseTo(0.5, 1);
});

it('shuffles without losing an item, and leaves its input as it is', () => {
  const items = ['a', 'b', 'c', 'd'];
  expect(shuffled(items, randomOf(5)).toSorted()).toEqual(items);
  expect(items).toEqual(['a', 'b', 'c', 'd']);
});

it('describes each kind of event by what it is done to', () => {
  const texts = first(EVENT_KINDS.length, 2).map(describeEvent);
  expect(new Set(texts).size).toBe(EVENT_KINDS.length);
  expect(texts.join('\n')).toMatch(/model server [12] is ended for \d\.\d s/);
});
