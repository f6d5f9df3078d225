import { defineConfig } from 'vitest/config';

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
    // Sandboxes, a model and servers share two cores, so only two files run at a time.
    maxWorkers: 2,
    env: { LOG_LEVEL: 'silent' },
    // A database for each file.
    setupFiles: ['test/support/data-home.ts'],
  },
});
