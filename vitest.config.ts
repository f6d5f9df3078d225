import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'lib/**/*.test.ts',
      'app/**/*.test.ts',
      'scripts/**/*.test.ts',
      'components/**/*.test.{ts,tsx}',
      'test/**/*.test.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Sandboxes, a model and servers share two cores: files that start processes wait for one another.
    maxWorkers: 2,
    env: { LOG_LEVEL: 'silent' },
  },
});
