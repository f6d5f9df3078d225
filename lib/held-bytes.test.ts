import { expect, it } from 'vitest';
import { HeldBytes } from '#lib/held-bytes';

it('counts what is held, in all and by holder, and knows the largest', () => {
  const held = new HeldBytes();
  expect([held.total, held.largest]).toEqual([0, undefined]);
  for (const [holder, bytes] of [
    ['a', 3],
    ['b', 5],
    ['a', 4],
  ] as const)
    held.take(holder, bytes);
  expect([held.total, held.of('a'), held.of('b'), held.of('c'), held.largest]).toEqual([12, 7, 5, 0, 'a']);
  held.release('a', 3);
  expect([held.total, held.of('a'), held.largest]).toEqual([9, 4, 'b']);
  held.release('b', 5);
  held.release('a', 4);
  expect([held.total, held.largest]).toEqual([0, undefined]);
});
