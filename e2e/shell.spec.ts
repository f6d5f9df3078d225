import type { Page } from 'playwright/test';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { accessibilityFaultsInBoth, test as base, expect } from './support.ts';

/** The frame of the pages: its bar on phones, its status, the session, print and forced colours. */

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const nav = (page: Page) => page.getByRole('navigation', { name: 'Pages' });

/** An app that asks for a key, and a browser that has signed in. */
const signedIn = base.extend<Record<never, never>, { appWithKeys: RunningApp }>({
  appWithKeys: [
    async ({ browserName: _ }, use) => {
      const app = await startApp('server', { API_KEYS: 'correct-horse', LOG_LEVEL: 'silent' });
      await use(app);
      await app.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ appWithKeys }, use) => use(appWithKeys.url),
});

async function signIn(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByRole('textbox', { name: 'Access key' }).fill('correct-horse');
  await button(page, 'Sign in').click();
  await expect(page).toHaveURL((url) => url.pathname !== '/sign-in');
}

base.describe('on a phone', () => {
  base.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  base('the bar has words, and the sheet has the rest of the frame', async ({ page }) => {
    await page.goto('/');
    for (const name of ['Playground', 'Dashboard', 'Gateway', 'Chat']) {
      await nav(page).getByRole('link', { name }).tap();
      await expect(nav(page).getByRole('link', { name })).toHaveAttribute('aria-current', 'page');
      await expect(nav(page).getByText(name, { exact: true })).toBeInViewport({ ratio: 1 });
    }
    await button(page, 'More').tap();
    const sheet = page.getByRole('dialog', { name: 'More' });
    await expect(sheet.getByRole('heading', { name: 'Code runner' })).toBeVisible();
    await expect(sheet.getByText(/^\d languages? · /)).toBeVisible();
    expect.soft(await accessibilityFaultsInBoth(page)).toEqual([]);
    await sheet.getByRole('button', { name: 'Dark' }).tap();
    await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
    await sheet.getByRole('button', { name: 'Keyboard shortcuts' }).tap();
    await expect(sheet).toBeHidden();
    await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
    await page.keyboard.press('Escape');
    await button(page, 'More').tap();
    await sheet.getByRole('link', { name: 'API reference' }).tap();
    await expect(page).toHaveURL(/\/docs\/api$/);
    await expect(sheet).toBeHidden();
  });

  base('the bar leaves its space to the text while a keyboard is up', async ({ page }) => {
    await page.goto('/');
    const message = page.getByRole('textbox', { name: 'Message' });
    await message.tap();
    await expect(nav(page)).toBeVisible();
    await page.setViewportSize({ width: 390, height: 420 });
    await expect(nav(page)).toBeHidden();
    await expect(message).toBeInViewport({ ratio: 1 });
    // The chat is read on all of the rest; its composer is one row, and grows with the text.
    await expect(button(page, 'Chat settings')).toBeHidden();
    const composer = page.locator('form').filter({ has: message });
    expect((await composer.boundingBox())?.height).toBeLessThan(60);
    await message.fill('one\ntwo\nthree\nfour\nfive\nsix\nseven');
    expect((await message.boundingBox())?.height).toBeGreaterThan(90);
    expect((await composer.boundingBox())?.height).toBeLessThan(120);
    await expect(button(page, 'Send')).toBeInViewport({ ratio: 1 });
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(nav(page)).toBeVisible();
    await expect(button(page, 'Chat settings')).toBeVisible();
  });

  base('a phone on its side has a rail, and nothing of it is out of reach', async ({ page }) => {
    await page.setViewportSize({ width: 844, height: 390 });
    await page.goto('/dashboard');
    const more = button(page, 'More');
    await expect(more).toBeInViewport({ ratio: 1 });
    await more.tap();
    await expect(page.getByRole('dialog').getByRole('button', { name: 'Keyboard shortcuts' })).toBeVisible();
    const rail = await page.locator('header').boundingBox();
    expect(rail).toMatchObject({ x: 0, y: 0, height: 390 });
  });
});

base('a dot opens a popover in words, with a way to the dashboard', async ({ page }) => {
  await page.goto('/gateway');
  const dot = button(page, /^Code runner: up\./);
  await dot.click();
  const popover = page.getByRole('dialog', { name: 'Code runner' });
  await expect(popover).toContainText(/\d languages? · bubblewrap/);
  expect.soft(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(popover).toBeHidden();
  await expect(dot).toBeFocused();
  await page.keyboard.press('Enter');
  await popover.getByRole('link', { name: 'Open dashboard' }).click();
  await expect(page).toHaveURL(/\/dashboard$/);
});

base('the frame says that the browser is offline, and looks again afterwards', async ({ page, context }) => {
  await page.goto('/gateway');
  await expect(button(page, /^Code runner: up\./)).toBeVisible();
  await context.setOffline(true);
  await expect(button(page, 'Code runner: checking. You’re offline.')).toBeVisible();
  await context.setOffline(false);
  await expect(button(page, /^Code runner: up\./)).toBeVisible();
});

base('the details of a model server that is away are folded', async ({ page }) => {
  const error =
    'Ollama does not answer at http://127.0.0.1:1. Start it with `ollama serve`, or correct OLLAMA_API_URL.';
  await page.route('**/api/models', (route) =>
    route.fulfill({
      json: { models: [], default_model: 'm', providers: [{ id: 'ollama', reachable: false, error }], notice: null },
    }),
  );
  await page.goto('/gateway');
  const dot = button(page, /^Model: down\./);
  await expect(dot).toHaveAccessibleName('Model: down. The model server is not answering. Ask your administrator.');
  await dot.click();
  const popover = page.getByRole('dialog', { name: 'Model' });
  await expect(popover.getByText('127.0.0.1')).toBeHidden();
  await popover.getByText('Details for operators').click();
  await expect(popover.getByText('127.0.0.1')).toBeVisible();
  await expect(popover.locator('code')).toHaveText(['ollama serve', 'OLLAMA_API_URL']);
});

base('a part that cannot be loaded leaves the page as it is, and can be tried again', async ({ page }) => {
  await page.goto('/');
  await page.waitForLoadState('networkidle');
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill('half a question');
  await page.route('**/_next/static/**', (route) => route.abort('connectionrefused'));
  const theme = button(page, 'Theme: System');
  await theme.click();
  const alert = page.getByRole('alert').filter({ hasText: 'Could not load this.' });
  await expect(alert.getByRole('button', { name: 'Reload' })).toBeVisible();
  expect.soft(await accessibilityFaultsInBoth(page)).toEqual([]);
  await alert.getByRole('button', { name: 'Dismiss' }).click();
  await expect(alert).toBeHidden();
  await page.keyboard.press('ControlOrMeta+k');
  await expect(alert).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Something went wrong' })).toHaveCount(0);
  await expect(message).toHaveValue('half a question');
  await alert.getByRole('button', { name: 'Dismiss' }).click();
  await page.unroute('**/_next/static/**');
  await theme.click();
  await expect(page.getByRole('menu')).toBeVisible();
});

base('the skip link leads to the content', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toHaveAttribute('href', '#composer');
  await page.goto('/dashboard');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});

base('without keys there is nothing to sign in to', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page).toHaveURL((url) => url.pathname === '/');
  await expect(button(page, 'Account')).toHaveCount(0);
});

signedIn('a session that has ended leads to the sign-in page and back, and keeps the draft', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(button(page, /^(Model|Code runner): /)).toHaveCount(0);
  await signIn(page, '/?from=here');
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill('Which draft is kept?');
  await page.context().clearCookies();
  let refused = 0;
  page.on('response', (response) => {
    if (response.status() === 401) refused += 1;
  });
  await message.press('Enter');
  const notice = page.getByRole('alert').filter({ hasText: 'What you wrote is kept.' });
  await expect(notice).toContainText('Your session has ended. Sign in again.');
  // Once, with the one button that helps.
  await expect(page.getByRole('article', { name: 'Answer' })).toHaveText(
    'Not answered, because your session had ended.',
  );
  await expect(page.getByText('Your session has ended.')).toHaveCount(1);
  await expect(page.getByRole('main').getByText('Sign in', { exact: true })).toHaveCount(1);
  expect.soft(await accessibilityFaultsInBoth(page)).toEqual([]);
  await message.fill('Which draft is kept?');
  // The page does not go on asking what is refused.
  expect(refused).toBeLessThan(8);
  await notice.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await page.getByRole('textbox', { name: 'Access key' }).fill('correct-horse');
  await button(page, 'Sign in').click();
  await expect(message).toHaveValue('Which draft is kept?');
  await expect(notice).toHaveCount(0);
  await expect(button(page, 'Try again')).toBeEnabled();
});

signedIn('the account menu signs out, and a phone has it in the sheet', async ({ page }) => {
  await signIn(page, '/playground');
  await expect(page).toHaveURL(/\/playground$/);
  await button(page, 'Account').click();
  await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in', exact: true })).toBeVisible();
  await page.goto('/dashboard');
  await expect(page).toHaveURL(/\/sign-in\?next=%2Fdashboard/);
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, '/gateway');
  await button(page, 'More').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in', exact: true })).toBeVisible();
});

base('paper gets the pages without the frame, and no empty sheet', async ({ page }) => {
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  for (const path of ['/', '/dashboard', '/gateway', '/docs/api']) {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    await expect(page.locator('header')).toBeHidden();
    const { height, hidden, scheme } = await page.evaluate(() => ({
      height: document.documentElement.scrollHeight - innerHeight,
      // What still scrolls on its own would be cut off on paper.
      hidden: [...document.querySelectorAll('main .scroller')].filter(
        (element) =>
          element.scrollHeight > element.clientHeight + 1 && getComputedStyle(element).overflowY !== 'visible',
      ).length,
      scheme: getComputedStyle(document.documentElement).colorScheme,
    }));
    expect(hidden, path).toBe(0);
    expect(scheme, path).toBe('light');
    if (path === '/dashboard' || path === '/docs/api') expect(height, path).toBeGreaterThan(0);
  }
  await page.goto('/dashboard');
  await page.waitForLoadState('networkidle');
  const pdf = (await page.pdf({ format: 'A4' })).toString('latin1');
  const sheets = pdf.match(/\/Type\s*\/Page[^s]/g)?.length ?? 0;
  const contents = await page.evaluate(() => document.documentElement.scrollHeight / innerHeight);
  expect(sheets).toBeGreaterThan(0);
  expect(sheets).toBeLessThanOrEqual(Math.ceil(contents) + 2);
});

base('forced colours show the current page, the selected tab and the dots', async ({ page }) => {
  await page.emulateMedia({ forcedColors: 'active', colorScheme: 'dark' });
  await page.goto('/playground');
  const background = (selector: string) =>
    page
      .locator(selector)
      .first()
      .evaluate((element) => getComputedStyle(element).backgroundColor);
  const ground = await background('body');
  for (const marked of ['[aria-current=page]', '[role=tab][aria-selected=true]', '.status-dot[data-level=good]'])
    expect(await background(marked), marked).not.toBe(ground);
  expect(await background('header a:not([aria-current])')).not.toBe(await background('[aria-current=page]'));
});
