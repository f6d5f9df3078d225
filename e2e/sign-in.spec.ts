import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { accessibilityFaultsInBoth, test as base, expect } from './support.ts';

/** An app that asks for a key. */
const test = base.extend<Record<never, never>, { app: RunningApp }>({
  app: [
    async ({ browserName: _ }, use) => {
      const app = await startApp('server', { API_KEYS: 'correct-horse', LOG_LEVEL: 'silent' });
      await use(app);
      await app.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ app }, use) => use(app.url),
});

test('where keys are set, a page asks for one, and a key opens all of them', async ({ page, request, app }) => {
  expect((await request.get('/api/cache-stats')).status()).toBe(401);
  await page.goto('/dashboard');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fdashboard/);
  await page.getByRole('textbox', { name: 'Access key', exact: true }).fill('wrong');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Wrong key.' })).toBeVisible();
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.getByRole('textbox', { name: 'Access key', exact: true }).fill('correct-horse');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL(`${app.url}/dashboard`);
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  const cookie = (await page.context().cookies()).find(({ name }) => name === 'chill_space_session');
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  await page.goto('/sign-in');
  await expect(page.getByText('You stay signed in on this browser.')).toBeVisible();
  await page.getByRole('link', { name: 'Go to the chat' }).click();
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  await page.goto('/sign-in');
  await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in', exact: true })).toBeVisible();
  await page.goto('/playground');
  await expect(page).toHaveURL(/\/sign-in/);
});

test('after signing in the browser stays on this server, whatever the link asked for', async ({ page, app }) => {
  for (const next of [
    '/.//evil.example',
    '/x/..//evil.example',
    '//evil.example/',
    '/\\\\evil.example',
    'https://evil.example',
  ]) {
    await page.goto(`/sign-in?${new URLSearchParams({ next })}`);
    await page.getByRole('textbox', { name: 'Access key', exact: true }).fill('correct-horse');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.waitForURL((url) => url.pathname !== '/sign-in');
    expect(new URL(page.url()).origin, next).toBe(app.url);
    await page.context().clearCookies();
  }
});
