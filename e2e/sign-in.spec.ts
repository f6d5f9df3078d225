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
  await expect(page.getByRole('button', { name: 'Sign out', exact: true })).toBeVisible();
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
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

test('a link from another site asks for the key once, and brings its program along', async ({ page, app }) => {
  const program = '/playground#program=abc';
  await page.goto(program);
  await expect(page).toHaveURL(`${app.url}/sign-in?next=%2Fplayground#program=abc`);
  await page.getByRole('textbox', { name: 'Access key', exact: true }).fill('correct-horse');
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).toHaveURL((url) => url.pathname === '/playground' && url.search === '');
  const other = await page.context().newPage();
  const redirects: string[] = [];
  const landed: string[] = [];
  other.on('response', (response) => {
    if (response.request().isNavigationRequest()) redirects.push(`${response.status()} ${response.url()}`);
  });
  other.on('framenavigated', (frame) => landed.push(frame.url()));
  await other.setContent(`<a href="${app.url}${program}">A program</a>`);
  await other.getByRole('link').click();
  await expect(other).toHaveURL((url) => url.pathname === '/playground');
  // The browser sent no session with the click, so the sign-in page had to find it.
  expect(redirects[0]).toBe(`307 ${app.url}/playground`);
  expect(landed).toContain(`${app.url}${program}`);
  await other.close();
});

test('signing out can delete what the browser keeps, in all tabs', async ({ page }) => {
  const signIn = async () => {
    await page.goto('/sign-in?next=/dashboard');
    await page.getByRole('textbox', { name: 'Access key', exact: true }).fill('correct-horse');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  };
  await signIn();
  const tab = await page.context().newPage();
  await tab.goto('/');
  const message = tab.getByRole('textbox', { name: 'Message' });
  await message.fill('Dear diary');
  await message.press('Enter');
  await expect(tab.getByRole('region', { name: 'Today' }).getByRole('listitem')).toBeVisible();
  await message.fill('A draft');
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out and delete chats here' }).click();
  const dialog = page.getByRole('alertdialog');
  await expect(dialog).toContainText('Nothing is deleted on the server.');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Sign out and delete' }).click();
  for (const each of [page, tab])
    await expect(each.getByText('Chats and programs in this browser were deleted.')).toBeVisible();
  expect(await page.evaluate(async () => [localStorage.length, await indexedDB.databases()])).toEqual([0, []]);
  await tab.close();
  await signIn();
  await page.goto('/');
  await expect(page.getByText('No chats yet')).toBeVisible();
});
