import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { MetricsOrder } from '#lib/server/workers/messages';
import { MetricsCollector, type MetricsSource } from '#lib/server/workers/metrics-collector';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Scripted = MetricsSource & { orders: MetricsOrder[] };

function source(number: number): Scripted {
  const orders: MetricsOrder[] = [];
  return { number, orders, sendMetrics: (order) => void orders.push(order) };
}

const [one, two, three] = [source(1), source(2), source(3)];
const all = [one, two, three];
let collector: MetricsCollector;
beforeEach(() => {
  collector = new MetricsCollector();
  for (const { orders } of all) orders.length = 0;
});

/** The id under which a source was asked last. */
const askedId = ({ orders }: Scripted) => orders.at(-1)?.id ?? -1;

it('collects the metrics of all other workers, also for two that ask at once', () => {
  collector.receive(one, { type: 'collect', id: 7 }, all);
  const first = askedId(two);
  collector.receive(two, { type: 'collect', id: 7 }, all);
  collector.receive(two, { type: 'read', id: first, text: 'of two' }, all);
  expect(one.orders.filter(({ type }) => type === 'collected')).toEqual([]);
  collector.receive(three, { type: 'read', id: first, text: 'of three' }, all);
  expect(one.orders).toContainEqual({
    type: 'collected',
    id: 7,
    others: [
      { worker: 2, text: 'of two' },
      { worker: 3, text: 'of three' },
    ],
  });
  expect(two.orders.filter(({ type }) => type === 'collected')).toEqual([]);
});

it('leaves out a worker that ends, and one that does not respond', () => {
  collector.receive(one, { type: 'collect', id: 1 }, all);
  const id = askedId(two);
  collector.drop(two);
  collector.receive(three, { type: 'read', id, text: 'of three' }, all);
  expect(one.orders.at(-1)).toEqual({ type: 'collected', id: 1, others: [{ worker: 3, text: 'of three' }] });
  collector.receive(one, { type: 'collect', id: 2 }, all);
  vi.advanceTimersByTime(2_000);
  expect(one.orders.at(-1)).toEqual({ type: 'collected', id: 2, others: [] });
  // Too late.
  collector.receive(two, { type: 'read', id: askedId(two), text: 'of two' }, all);
  expect(one.orders).toHaveLength(2);
});

it('responds at once to the only worker', () => {
  collector.receive(one, { type: 'collect', id: 3 }, [one]);
  expect(one.orders).toEqual([{ type: 'collected', id: 3, others: [] }]);
});
