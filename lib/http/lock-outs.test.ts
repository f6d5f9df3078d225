import { expect, it } from 'vitest';
import { LockOuts } from '#lib/http/lock-outs';

it('knows who was locked out after a moment, also again', () => {
  const lockOuts = new LockOuts();
  lockOuts.add('user:ann');
  const before = lockOuts.count;
  expect(lockOuts.hasSince(before, 'user:ann')).toBe(false);
  lockOuts.add('user:bo');
  expect([lockOuts.hasSince(before, 'user:ann'), lockOuts.hasSince(before, 'user:bo')]).toEqual([false, true]);
  lockOuts.add('user:ann');
  expect(lockOuts.hasSince(before, 'user:ann')).toBe(true);
  expect(lockOuts.hasSince(lockOuts.count, 'user:ann')).toBe(false);
});

it('remembers a bounded number, and refuses where it has forgotten who it was', () => {
  const lockOuts = new LockOuts();
  const before = lockOuts.count;
  for (let index = 0; index < 10_000; index++) lockOuts.add(`user:${index}`);
  expect(lockOuts.hasSince(before, 'user:other')).toBe(false);
  lockOuts.add('user:one more');
  expect(lockOuts.hasSince(before, 'user:0')).toBe(true);
  expect(lockOuts.hasSince(before, 'user:other')).toBe(true);
  expect(lockOuts.hasSince(before + 1, 'user:other')).toBe(false);
});
