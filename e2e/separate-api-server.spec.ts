import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, expect } from 'playwright/test';
import { freePort } from '../test/support/free-port.ts';
import { launch, type RunningApp, startApp } from '../test/support/running-app.ts';
import { ask, freshQuestion, responseComplete, responses } from './support.ts';

/**
 * Pages from one server, everything else from a second (docs/contract.md#pages): where they find
 * it is put in when they are built, so they are built for this once more. The copy is inside of
 * the project, whose packages it finds.
 */
const COPY = join(process.cwd(), '.cache', 'other-server');
const PARTS = [
  'app',
  'components',
  'lib',
  'public',
  'scripts/lucide-loader.cjs',
  'scripts/uplot-loader.cjs',
  'package.json',
  'instrumentation-client.ts',
  'next.config.mjs',
  'postcss.config.mjs',
  'tsconfig.json',
  'proxy.ts',
  'server.ts',
];

/** Leaves out pages that this does not open, for which a build takes as long as for the others. */
const isBuilt = (path: string) =>
  !/^app\/(?:account|admin|docs|forgot-password|join|reset-password|setup|sign-in)\b.*\.tsx$/.test(path);

const test = base.extend<Record<never, never>, { servers: { pages: RunningApp; api: RunningApp } }>({
  servers: [
    async ({ browserName: _ }, use) => {
      await rm(COPY, { recursive: true, force: true });
      await mkdir(COPY, { recursive: true });
      for (const part of PARTS) await cp(part, join(COPY, part), { recursive: true, filter: isBuilt });
      const [pagesPort, apiPort] = [await freePort(), await freePort()];
      const apiUrl = `http://127.0.0.1:${apiPort}`;
      const build = launch(
        [join(process.cwd(), 'node_modules/next/dist/bin/next'), 'build'],
        { NEXT_PUBLIC_API_URL: apiUrl, NEXT_PUBLIC_CODE_API_URL: `${apiUrl}/api/v1` },
        'pipe',
        COPY,
      );
      if ((await build.ended) !== 0) throw new Error(build.output());
      const api = await startApp('server', {
        ...{ PORT: String(apiPort), LOG_LEVEL: 'silent' },
        CORS_ALLOWED_ORIGINS: `http://127.0.0.1:${pagesPort}`,
      });
      const pages = await startApp('server', { PORT: String(pagesPort), LOG_LEVEL: 'silent' }, COPY);
      await use({ pages, api });
      await Promise.all([pages.stop(), api.stop()]);
      await rm(COPY, { recursive: true, force: true });
    },
    { scope: 'worker', timeout: 400_000 },
  ],
  baseURL: async ({ servers }, use) => use(servers.pages.url),
});

test('pages ask the server that they were built for, under a policy that names it', async ({ page, servers }) => {
  const asked = new Set<string>();
  const breaches: string[] = [];
  page.on('request', (request) => {
    const { origin, pathname } = new URL(request.url());
    if (/^\/(api|v1)\//.test(pathname)) asked.add(`${origin === servers.api.url ? 'api' : origin} ${pathname}`);
    else if (origin !== servers.pages.url) asked.add(`${origin} ${pathname}`);
  });
  page.on('console', (message) => {
    if (/Content Security Policy|CORS/.test(message.text())) breaches.push(message.text());
  });

  const response = await page.goto('/');
  const policy = response?.headers()['content-security-policy'] ?? '';
  expect(policy).toContain(`connect-src 'self' ${servers.api.url};`);
  await ask(page, freshQuestion('Say hello in five words.'));
  await responseComplete(page);
  await expect(responses(page).last()).toContainText(/\d+ tokens/);

  await page.goto('/playground');
  await page.getByRole('textbox', { name: 'Program' }).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('print(6 * 7)');
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(page.getByRole('region', { name: 'Output', exact: true })).toContainText('42');
  await expect.poll(() => [...asked].some((entry) => entry.endsWith('/validate'))).toBe(true);

  await page.goto('/dashboard');
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Executors', exact: true })).toContainText('Healthy');
  await page.goto('/gateway');
  await expect(page.getByRole('main')).toBeVisible();
  await page.waitForLoadState('networkidle');

  expect([...asked].filter((entry) => !entry.startsWith('api '))).toEqual([]);
  for (const path of [
    '/api/chat-optimized',
    '/api/v1/code/run',
    '/api/v1/health',
    '/api/models',
    '/api/cache-stats',
    '/api/ready',
  ])
    expect(asked).toContain(`api ${path}`);
  expect(breaches).toEqual([]);
});
