import { defineConfig } from 'playwright/test';

const port = process.env.E2E_PORT ?? '3399';

/** Each run begins with an empty database. */
const DATA_DIR = `.cache/e2e-data-${port}`;

/**
 * Drives the built app in Debian's Chromium, with the real small model and the real sandbox.
 * `npm test` builds it first.
 */
export default defineConfig({
  testDir: 'e2e',
  timeout: 120_000,
  expect: { timeout: 15_000 },
  // One model and two cores serve all tests, so parallel tests would only wait.
  workers: 1,
  // The small model sometimes generates up to its length limit instead of a short response.
  retries: 1,
  forbidOnly: process.env.CI !== undefined,
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    trace: 'retain-on-failure',
  },
  webServer: {
    command: `rm -rf ${DATA_DIR} && exec node server.ts`,
    url: `http://127.0.0.1:${port}/health`,
    timeout: 120_000,
    env: {
      PORT: port,
      DATA_DIR,
      HOST: '127.0.0.1',
      MODEL_PROVIDER: 'embedded',
      RATE_LIMIT_CHAT: '0',
      RATE_LIMIT_CODE: '0',
      LOG_LEVEL: 'warn',
      NODE_ENV: 'production',
    },
    gracefulShutdown: { signal: 'SIGTERM', timeout: 15_000 },
  },
});
