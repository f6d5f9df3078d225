import { expect, it } from 'vitest';
import { MemoryAccounting } from '#lib/memory-accounting';

it('counts bytes in total and per holder, and finds the largest holder', () => {
  const memory = new MemoryAccounting();
  expect([memory.total, memory.largestHolder]).toEqual([0, undefined]);
  for (const [holder, bytes] of [
    ['a', 3],
    ['b', 5],
    ['a', 4],
  ] as const)
    memory.add(holder, bytes);
  expect([memory.total, memory.bytesOf('a'), memory.bytesOf('b'), memory.bytesOf('c'), memory.largestHolder]).toEqual([
    12,
    7,
    5,
    0,
    'a',
  ]);
  memory.release('a', 3);
  expect([memory.total, memory.bytesOf('a'), memory.largestHolder]).toEqual([9, 4, 'b']);
  memory.release('b', 5);
  memory.release('a', 4);
  expect([memory.total, memory.largestHolder]).toEqual([0, undefined]);
});
