import { configDefaults, defineConfig } from 'vitest/config';
import { INSTANCES } from './test/support/instances.ts';
import { LongestFirst } from './test/support/longest-first.ts';
import { ALWAYS_BEHIND_A_FRONT, ONE_PROCESS_FILES } from './test/support/several-servers.ts';

const ONE = INSTANCES === 1;

export default defineConfig({
  test: {
    // As many servers take as much longer to start.
    testTimeout: INSTANCES * 30_000,
    hookTimeout: INSTANCES * 60_000,
    // Sandboxes, a model and servers share two cores. Files wait for them for more than a third of
    // the time, which a third file uses.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    env: { LOG_LEVEL: 'silent' },
    // As test/support/patience.ts has it for `vi.waitFor`.
    expect: { poll: { timeout: 10_000, interval: 15 } },
    // A database for each file, patience, and several servers.
    setupFiles: ['test/support/data-home.ts', 'test/support/patience.ts', 'test/support/instances-setup.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: ONE ? 'one server' : 'several servers',
          include: [
            'lib/**/*.test.ts',
            'app/**/*.test.ts',
            'bench/**/*.test.ts',
            'scripts/**/*.test.ts',
            'components/**/*.test.{ts,tsx}',
            'test/**/*.test.ts',
          ],
          exclude: [...configDefaults.exclude, ...(ONE ? [] : Object.keys(ONE_PROCESS_FILES))],
        },
      },
      ...(ONE
        ? [
            {
              extends: true as const,
              test: {
                name: 'several servers',
                include: [...ALWAYS_BEHIND_A_FRONT],
                env: { TEST_INSTANCES: '3' },
              },
            },
          ]
        : []),
    ],
  },
});
