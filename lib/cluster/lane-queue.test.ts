import { expect, it } from 'vitest';
import { sortKeyOf } from '#lib/chat/scheduler/fair-queueing';
import { levelOf, MAX_SORT_KEY } from '#lib/cluster/lane-queue';

it('knows the priority of a run by its sort key, also after it was raised', () => {
  const turn = { caller: 'caller', priority: -2, turn: 700 };
  expect(levelOf(turn, sortKeyOf(700, -2))).toBe(-2);
  expect(levelOf(turn, sortKeyOf(700, 5))).toBe(5);
});

it('goes by the priority on arrival where the sort key is at a bound, or of another turn', () => {
  expect(levelOf({ caller: 'caller', priority: 1, turn: 3 * MAX_SORT_KEY }, MAX_SORT_KEY)).toBe(1);
  expect(levelOf({ caller: 'caller', priority: 1, turn: 2 ** 20 }, sortKeyOf(3, 1))).toBe(1);
  expect(levelOf({ caller: 'caller', priority: 1, turn: 6 }, sortKeyOf(5, 1))).toBe(1);
});
