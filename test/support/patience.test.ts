import { expect, it, vi } from 'vitest';

// The setup file and the setting of vitest.config.ts reach each test file.
const SLOW_MS = 1_300;

it('waits for what a busy machine does after more than a second', async () => {
  let isDone = false;
  setTimeout(() => {
    isDone = true;
  }, SLOW_MS);
  await Promise.all([vi.waitFor(() => expect(isDone).toBe(true)), expect.poll(() => isDone).toBe(true)]);
});

it('gives up as soon as a test asks for it', async () => {
  await expect(vi.waitFor(() => expect(1).toBe(2), { timeout: 20, interval: 5 })).rejects.toThrow('to be 2');
  await expect(vi.waitFor(() => expect(1).toBe(2), 20)).rejects.toThrow('to be 2');
});
