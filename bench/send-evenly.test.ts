import { expect, it } from 'vitest';
import { sendEvenly } from './send-evenly.ts';

it('starts as many as are due, until it is over', async () => {
  let started = 0;
  await sendEvenly(
    1_000,
    () => {
      started += 1;
    },
    (passedMs) => passedMs >= 200,
  );
  // What was due at the last look before the end.
  expect(started).toBeGreaterThan(50);
  expect(started).toBeLessThanOrEqual(200);
});

it('starts none where it is over at once', async () => {
  await sendEvenly(
    1_000,
    () => expect.unreachable(),
    () => true,
  );
});
