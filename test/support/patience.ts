import { vi } from 'vitest';

/**
 * `vi.waitFor` gives up after a second, which a process on a busy core may need for anything.
 * Vitest has a setting for the timeout of `expect.poll` alone.
 */
const PATIENCE_MS = 10_000;

const { waitFor } = vi;

vi.waitFor = (callback, options = {}) =>
  waitFor(callback, typeof options === 'number' ? options : { timeout: PATIENCE_MS, ...options });
