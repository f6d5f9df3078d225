import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/longest-first.ts';

export default defineConfig({
  test: {
    include: [
      'lib/**/*.test.ts',
      'app/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
      'components/**/*.test.{ts,tsx}',
      'test/**/*.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Sandboxes, a model and servers share two cores. Files wait for them for more than a third of
    // the time, which a third file uses.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    env: { LOG_LEVEL: 'silent' },
    // As test/support/patience.ts has it for `vi.waitFor`.
    expect: { poll: { timeout: 10_000, interval: 15 } },
    // A database for each file, and patience.
    setupFiles: ['test/support/data-home.ts', 'test/support/patience.ts'],
  },
});
