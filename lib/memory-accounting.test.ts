import { expect, it } from 'vitest';
import { MemoryAccounting } from '#lib/memory-accounting';

it('counts what is held, in all and by holder, and knows the largest', () => {
  const held = new MemoryAccounting();
  expect([held.total, held.largestHolder]).toEqual([0, undefined]);
  for (const [holder, bytes] of [
    ['a', 3],
    ['b', 5],
    ['a', 4],
  ] as const)
    held.add(holder, bytes);
  expect([held.total, held.bytesOf('a'), held.bytesOf('b'), held.bytesOf('c'), held.largestHolder]).toEqual([
    12,
    7,
    5,
    0,
    'a',
  ]);
  held.release('a', 3);
  expect([held.total, held.bytesOf('a'), held.largestHolder]).toEqual([9, 4, 'b']);
  held.release('b', 5);
  held.release('a', 4);
  expect([held.total, held.largestHolder]).toEqual([0, undefined]);
});
