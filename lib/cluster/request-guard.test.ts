import { expect, it, vi } from 'vitest';
import { RequestGuard } from '#lib/cluster/request-guard';
import { ManualClock } from '../../test/support/chat.ts';

function setUp() {
  const clock = new ManualClock();
  let isAway = true;
  const events: string[] = [];
  const probe = vi.fn(async () => {
    if (isAway) throw new Error('no reply');
  });
  const guard = new RequestGuard({
    clock,
    probe,
    onDown: (reason) => events.push(`down: ${reason}`),
    onUp: () => events.push('up'),
    onStuck: () => events.push('stuck'),
  });
  const pass = async (ms: number) => {
    await clock.advance(ms);
  };
  return { guard, events, probe, pass, setAway: (value: boolean) => (isAway = value) };
}

it('opens at the first failure and closes at the first probe that succeeds, without a report', async () => {
  const { guard, events, pass, setAway } = setUp();
  guard.recordFailure('Command timed out');
  expect(guard.isOpen).toBe(true);
  setAway(false);
  await pass(0);
  expect([guard.isOpen, guard.isDown]).toEqual([false, false]);
  expect(events).toEqual([]);
});

it('reports once that Redis is down and once that it is up, however long it lasts', async () => {
  const { guard, events, probe, pass, setAway } = setUp();
  guard.recordFailure('the connection was closed');
  for (let second = 0; second < 60; second++) await pass(1_000);
  for (let late = 0; late < 50; late++) guard.recordFailure('Command timed out');
  expect(events.filter((event) => event !== 'stuck')).toEqual(['down: no reply']);
  expect(probe.mock.calls.length).toBeGreaterThan(50);
  setAway(false);
  await pass(1_000);
  expect(guard.isOpen).toBe(false);
  expect(events.at(-1)).toBe('up');
});

it('is not closed by a late reply, and asks for a new connection after three probes', async () => {
  const { guard, events, pass } = setUp();
  guard.recordFailure('Command timed out');
  guard.recordSuccess();
  expect(guard.isOpen).toBe(true);
  for (let second = 0; second < 3; second++) await pass(1_000);
  expect(events).toContain('stuck');
});

it('counts failures in a row only', async () => {
  const { guard, events, pass, setAway } = setUp();
  setAway(false);
  for (let failure = 0; failure < 10; failure++) {
    guard.recordFailure('Command timed out');
    await pass(0);
    guard.recordSuccess();
  }
  expect(events).toEqual([]);
});

it('probes no more once it is closed', async () => {
  const { guard, probe, pass } = setUp();
  guard.recordFailure('the connection was closed');
  guard.close();
  await pass(10_000);
  expect(probe).not.toHaveBeenCalled();
});
