import { defineConfig } from 'playwright/test';

const port = process.env.E2E_PORT ?? '3399';

/** Each run begins with an empty database. */
const DATA_DIR = `.cache/e2e-data-${port}`;

/**
 * Files that start no server for most of their tests: they use the one below, with its one model
 * and its one queue.
 */
const ON_THE_SHARED_SERVER = [
  'api-reference',
  'chat',
  'chat-servers',
  'dashboard',
  'dashboard-cluster',
  'dashboard-servers',
  'demo',
  'every-page',
  'gateway',
  'playground',
  'programs',
  'shell',
].map((name) => `**/${name}.spec.ts`);

/**
 * Drives the built app in Debian's Chromium, with the real small model and the real sandbox.
 * `npm test` builds it first.
 */
export default defineConfig({
  testDir: 'e2e',
  // The longest test takes half a minute, and three times that on a slow machine.
  timeout: 240_000,
  expect: { timeout: 30_000 },
  workers: 2,
  // One model and one queue serve the tests of the first project, so these run one at a time. Next
  // to them run those that start a server, and two of these once the first project has ended.
  projects: [
    { name: 'shared server', testMatch: ON_THE_SHARED_SERVER, workers: 1 },
    { name: 'own server', testIgnore: ON_THE_SHARED_SERVER },
  ],
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
    // A trace copies the page before and after each step, which takes longer than the step.
    trace: 'on-first-retry',
    screenshot: 'only-on-failure',
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
