import { setTimeout as delay } from 'node:timers/promises';

const TICK_MS = 10;

/** Starts requests at a constant rate, whether or not earlier ones have ended. */
export async function sendEvenly(
  perSecond: number,
  start: () => void,
  isOver: (passedMs: number) => boolean,
): Promise<void> {
  const began = performance.now();
  let started = 0;
  for (let passed = 0; !isOver(passed); passed = performance.now() - began) {
    for (const due = (passed * perSecond) / 1_000; started < due; started++) start();
    await delay(TICK_MS);
  }
}
