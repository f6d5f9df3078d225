import { expect, it } from 'vitest';
import { MinuteWindows } from '#lib/people/limits/minute-windows';

it('counts the requests of a key until its window of a minute ends', () => {
  const windows = new MinuteWindows();
  windows.add('a', 2, 1_000);
  windows.add('a', 1, 30_000);
  windows.add('b', 1, 30_000);
  expect(windows.stateOf('a', 60_999)).toEqual({ count: 3, leftMs: 1 });
  expect(windows.stateOf('a', 61_000)).toEqual({ count: 0, leftMs: 0 });
  expect(windows.stateOf('b', 61_000)).toEqual({ count: 1, leftMs: 29_000 });
});

it('takes back no more than it counted', () => {
  const windows = new MinuteWindows();
  windows.add('a', -1, 0);
  windows.add('a', 1, 1);
  windows.add('a', -5, 2);
  expect(windows.stateOf('a', 3).count).toBe(0);
});

it('forgets the least recently used windows above its bound', () => {
  const windows = new MinuteWindows();
  windows.add('first', 1, 0);
  for (let index = 0; index < 40_000; index++) windows.add(`${index}`, 1, 0);
  expect([windows.stateOf('first', 1).count, windows.stateOf('39999', 1).count]).toEqual([0, 1]);
});
