import { vi } from 'vitest';

/**
 * `vi.waitFor` gives up after a second, which a process on a busy core may need for anything, and
 * looks twenty times a second, which thousands of waits add up to a minute. Vitest has settings of
 * both for `expect.poll` alone.
 */
const PATIENCE_MS = 10_000;
const INTERVAL_MS = 15;

const { waitFor } = vi;

vi.waitFor = (callback, options = {}) =>
  waitFor(
    callback,
    typeof options === 'number' ? options : { timeout: PATIENCE_MS, interval: INTERVAL_MS, ...options },
  );
