import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderStatisticTree } from '#lib/chat/scheduler/order-statistic-tree';

describe('OrderStatisticTree', () => {
  it('is a sorted list with positions after any inserts and deletes', () => {
    const step = fc.record({ insert: fc.boolean(), value: fc.integer({ min: 0, max: 60 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const tree = new OrderStatisticTree<number>((a, b) => a - b);
        const model = new Set<number>();
        for (const { insert, value } of steps) {
          if (!insert) expect(tree.delete(value)).toBe(model.delete(value));
          else if (!model.has(value)) {
            model.add(value);
            tree.insert(value);
          }
          const sorted = [...model].sort((a, b) => a - b);
          expect([...tree]).toEqual(sorted);
          expect(tree.size).toBe(sorted.length);
          expect(tree.first()).toBe(sorted[0]);
          expect(tree.rank(value)).toBe(sorted.filter((other) => other < value).length);
        }
      }),
    );
  });

  it('compares O(log n) times, also for values inserted in order', () => {
    let comparisons = 0;
    const tree = new OrderStatisticTree<number>((a, b) => {
      comparisons += 1;
      return a - b;
    });
    const size = 50_000;
    for (let value = 0; value < size; value += 1) tree.insert(value);
    const perInsert = comparisons / size;
    comparisons = 0;
    for (let value = 0; value < size; value += 50) expect(tree.rank(value)).toBe(value);
    const perRank = comparisons / (size / 50);
    // A treap's expected depth is about 2 ln n, here 22.
    expect(perInsert).toBeLessThan(45);
    expect(perRank).toBeLessThan(45);
  });
});
