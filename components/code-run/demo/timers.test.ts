import { expect, test } from 'vitest';
import { createTimers } from './timers.ts';

/** Fires due timers until none is left, at most `steps` times. */
function play(
  begin: (timers: ReturnType<typeof createTimers>, say: (word: string) => void, now: () => number) => void,
  steps = 20,
) {
  let now = 0;
  const said: string[] = [];
  const timers = createTimers(() => now);
  begin(
    timers,
    (word) => said.push(`${now} ${word}`),
    () => now,
  );
  for (let step = 0; step < steps && timers.untilNext() >= 0; step += 1) {
    now += timers.untilNext();
    timers.fire();
  }
  return said;
}

test('fires timers by due time, then by order of creation', () => {
  const said = play((timers, say) => {
    timers.set(() => say('late'), 30, false);
    timers.set(() => say('one'), 5, false);
    timers.set(() => say('two'), 5, false);
    timers.set(() => say('at once'), 0, false);
  });
  expect(said).toEqual(['1 at once', '5 one', '5 two', '30 late']);
});

test('repeats an interval until it is cleared, also by itself', () => {
  const said = play((timers, say) => {
    let ticks = 0;
    const id = timers.set(
      () => {
        ticks += 1;
        say('tick');
        if (ticks === 3) timers.clear(id);
      },
      5,
      true,
    );
    timers.set(() => say('between'), 12, false);
  });
  expect(said).toEqual(['5 tick', '10 tick', '12 between', '15 tick']);
});

test('does not fire a timer before it is due', () => {
  const timers = createTimers(() => 0);
  timers.set(() => expect.unreachable(), 10, false);
  timers.fire();
  expect(timers.untilNext()).toBe(10);
});
