import type { Response } from 'playwright/test';
import { accessibilityFaultsInBoth, expect, test } from './support.ts';

const PAGES = ['/', '/playground', '/dashboard', '/gateway', '/docs/api', '/sign-in', '/nowhere-at-all'];

for (const path of PAGES)
  test(`${path} has no accessibility fault, a strict policy, and fits a screen 320 px wide`, async ({ page }) => {
    const reply = await page.goto(path);
    await page.waitForLoadState('networkidle');
    await expect(page.getByRole('main')).toBeVisible();

    const headers = reply?.headers() ?? {};
    const policy = headers['content-security-policy'] ?? '';
    expect.soft(policy).toMatch(/script-src [^;]*'nonce-/);
    expect.soft(policy.match(/script-src [^;]*/)?.[0]).not.toMatch(/unsafe/);
    expect.soft(policy).toContain("default-src 'none'");
    expect.soft(policy).toContain("frame-ancestors 'none'");
    expect.soft(headers['x-content-type-options']).toBe('nosniff');
    expect.soft(headers['referrer-policy']).toBe('no-referrer');

    await page.emulateMedia({ colorScheme: 'light' });
    expect.soft(await accessibilityFaultsInBoth(page)).toEqual([]);

    await page.setViewportSize({ width: 320, height: 640 });
    await page.goto(path);
    await expect(page.getByRole('main')).toBeVisible();
    const tooWide = () =>
      page.evaluate(() => ({
        page: Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth),
        // Nor does what scrolls down inside of the page have to be moved sideways.
        parts: [...document.querySelectorAll('.scroller')].filter(
          (element) => element.scrollWidth > element.clientWidth,
        ).length,
      }));
    expect.soft(await tooWide()).toMatchObject({ page: 0 });
    await page.waitForLoadState('networkidle');
    expect.soft(await tooWide()).toEqual({ page: 0, parts: 0 });
  });

test('scripts come as the build compressed them, to be compiled while they arrive', async ({ page }) => {
  const html = await (await page.request.get('/', { headers: { accept: 'text/html' } })).text();
  const scripts = [...html.matchAll(/<script src="([^"]+)"/g)].map(([, source]) => `${source}`);
  expect(scripts.length).toBeGreaterThan(3);
  for (const script of scripts) {
    const result = await page.request.get(script, { headers: { 'accept-encoding': 'br' } });
    const text = await result.text();
    expect(text).toMatch(/^\/\/# allFunctionsCalledOnLoad\n/);
    if (text.length >= 1024) expect(result.headers()['content-encoding']).toBe('br');
  }
});

test('fonts are named ahead, come once each, and none is asked for that no word needs', async ({ page }) => {
  const fonts = ['geist-latin', 'geist-mono-latin'];
  for (const path of PAGES.slice(0, 5)) {
    const responded: string[] = [];
    const note = (response: Response) => {
      if (response.request().resourceType() === 'font')
        responded.push(`${response.status()} ${fontOf(response.url())}`);
    };
    page.on('response', note);
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    page.off('response', note);
    expect(responded.sort(), path).toEqual(fonts.map((font) => `200 ${font}`));
    const named = await page
      .locator('link[rel="preload"][as="font"]')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')));
    expect(named.map((address) => fontOf(`${address}`)).sort(), path).toEqual(fonts);
    // A family with a file that is missing has the browser ask the system for a font in its stead.
    const families = await page.evaluate(() =>
      [...document.fonts]
        .filter(({ family }) => ['Geist', 'Geist Mono'].includes(family.replaceAll('"', '')))
        .map(({ family }) => family.replaceAll('"', '')),
    );
    expect(families.sort()).toEqual(['Geist', 'Geist Mono']);
  }
});

test('letters that the first files do not have come in their own file', async ({ page }) => {
  await page.goto('/');
  const cyrillic = page.waitForResponse((response) => fontOf(response.url()) === 'geist-cyrillic');
  await page.getByRole('textbox', { name: 'Message' }).fill('Привет');
  expect((await cyrillic).status()).toBe(200);
});

test('nothing moves while a page hydrates, and React begins in its own task', async ({ page }) => {
  await page.addInitScript(() => {
    addEventListener('animationstart', ({ target }) =>
      document.documentElement.setAttribute('data-moved', `${target}`),
    );
  });
  for (const path of PAGES.slice(0, 4)) {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    expect(await page.locator('html').getAttribute('data-moved'), path).toBeNull();
    // instrumentation-client.ts: the script that ends the first task.
    await expect(page.locator('head > script:not([src]):empty')).toHaveCount(1);
  }
});

test('a page with responses preloads the scripts that render them', async ({ page }) => {
  const named = async (path: string) => {
    const html = await (await page.request.get(path)).text();
    return [...html.matchAll(/<link rel="preload"[^>]* href="([^"]+\.js)"/g)].map(([, source]) => `${source}`);
  };
  const usual = await named('/');
  const ahead = (await named('/?c=some')).filter((source) => !usual.includes(source));
  expect(ahead.length).toBeGreaterThan(2);
  // They are those that an empty chat asks for as soon as somebody is there, but for the small one
  // that asks for the others.
  const asked = new Set<string>();
  page.on('request', (request) => asked.add(new URL(request.url()).pathname));
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Message' }).pressSequentially('Hello');
  await expect.poll(() => ahead.filter((source) => !asked.has(source)).length).toBeLessThan(2);
});

test('every page is reached by the keyboard, beginning with a link past the navigation', async ({ page }) => {
  // The chat begins in its message field.
  await page.goto('/gateway');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  for (const name of ['Playground', 'Dashboard', 'Gateway', 'Chat']) {
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).focus();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name })).toHaveAttribute(
      'aria-current',
      'page',
    );
  }
});

test('the appearance that was chosen stays, without a flash of the other', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  await page.getByRole('button', { name: /^Theme/ }).click();
  await page.getByRole('menuitemcheckbox', { name: 'Dark' }).click();
  await expect(page.getByRole('button', { name: 'Theme: Dark' })).toBeVisible();
  const html = await (await page.request.get('/', { headers: { accept: 'text/html' } })).text();
  expect(html).toMatch(/<html[^>]*data-theme="dark"/);
});

test('everything is reached by a few letters: pages, appearance, conversations', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await page.keyboard.press('ControlOrMeta+k');
  const field = page.getByRole('combobox', { name: 'Search commands and chats' });
  await expect(field).toBeFocused();
  await expect(page.getByRole('option', { name: 'Playground' })).toBeVisible();
  await page.keyboard.type('theme dark');
  await expect(page.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.keyboard.press('ControlOrMeta+k');
  await field.fill('nothing is called so');
  await expect(page.getByText('No results')).toBeVisible();
  await field.fill('play');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/playground$/);
  await expect(field).toBeHidden();
});

test('the palette comes whole, and loses nothing that was written before it was there', async ({ page }) => {
  await page.addInitScript(() => {
    const seen: boolean[] = [];
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const dialog = document.querySelector('[role=dialog]');
      if (dialog !== null) seen.push(dialog.querySelector('[role=combobox]') !== null);
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto('/');
  await page.waitForLoadState('networkidle');
  // Its code is still on its way when one writes.
  let letIn = () => {};
  const written = new Promise<void>((resolve) => {
    letIn = resolve;
  });
  await page.route('**/*.js', async (route) => {
    await written;
    await route.continue();
  });
  await page.keyboard.press('ControlOrMeta+k');
  await page.keyboard.type('Dash');
  letIn();
  const field = page.getByRole('combobox', { name: 'Search commands and chats' });
  await expect(field).toHaveValue('Dash');
  await expect(field).toBeFocused();
  expect(await page.evaluate(() => Reflect.get(window, 'seen'))).not.toContain(false);
  await page.keyboard.type('board');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/dashboard$/);
});

test('the shortcuts are shown by one key, which stays a letter where one writes', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(sheet).toContainText('Run the program');
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Message' }).pressSequentially('why?');
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('why?');
  await expect(sheet).toBeHidden();
});

test('system follows the machine, also when that changes', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/playground');
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await background()).not.toBe(light);
});

test('a program is written, run and read by the keyboard alone', async ({ page }) => {
  await page.goto('/playground');
  const editor = page.getByRole('textbox', { name: 'Program' });
  await expect(editor).toBeVisible();
  const focusByTab = async (found: () => Promise<boolean>) => {
    for (let step = 0; step < 40; step += 1) {
      await page.keyboard.press('Tab');
      if (await found()) return;
    }
    throw new Error('the keyboard does not reach it');
  };
  await focusByTab(() => editor.evaluate((element) => element === document.activeElement));
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText('print("by hand")');
  // Tab indents in the editor; Escape first lets go of it.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await expect(editor).not.toBeFocused();
  await page.keyboard.press('ControlOrMeta+Enter');
  const output = page.getByRole('region', { name: 'Output', exact: true });
  await expect(output).toContainText('by hand');
  await focusByTab(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label') === 'Program output'));
});

test('nothing moves for who asked for less motion', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page.getByRole('main')).toBeVisible();
    const moving = await page.evaluate(
      () =>
        [...document.querySelectorAll('*')].filter((element) => {
          const { transitionDuration, animationName, animationDuration } = getComputedStyle(element);
          const longest = (text: string) => Math.max(...text.split(',').map((part) => Number.parseFloat(part)));
          return (
            longest(transitionDuration) > 0.002 || (animationName !== 'none' && longest(animationDuration) > 0.002)
          );
        }).length,
    );
    expect(moving).toBe(0);
  }
});

test('it can be installed: manifest and icons are there, and are what they say', async ({ page, request }) => {
  await page.goto('/');
  const href = await page.locator('link[rel=manifest]').getAttribute('href');
  const manifest = await (await request.get(`${href}`)).json();
  expect(manifest).toMatchObject({ start_url: '/', display: 'standalone', name: 'Chill Space' });
  const sizes: string[] = [];
  for (const { src, sizes: said, type } of manifest.icons) {
    const response = await request.get(src);
    expect(response.headers()['content-type']).toContain(type);
    if (type !== 'image/png') continue;
    const bytes = await response.body();
    // PNG §11.2.1: width and height are the first eight bytes of IHDR's data.
    expect(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`).toBe(said);
    sizes.push(said);
  }
  expect(sizes).toEqual(expect.arrayContaining(['192x192', '512x512']));
  const session = await page.context().newCDPSession(page);
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  // A private window, as each test has, is the one thing that keeps it from being installed here.
  expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== 'in-incognito')).toEqual([]);
});

test('a page that is open says that the server is away, and comes back with it', async ({ page }) => {
  await page.goto('/playground');
  await expect(page.getByRole('button', { name: /^Code runner: up/ })).toBeVisible();
  await page.route('**/api/**', (route) => route.abort('connectionrefused'));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(page.getByRole('button', { name: /^Code runner: down/ })).toBeVisible();
  await page.unroute('**/api/**');
  await expect(page.getByRole('button', { name: /^Code runner: up/ })).toBeVisible({ timeout: 15_000 });
});

/**
 * `geist-mono-latin` of `/_next/static/media/geist-mono-latin-wght-normal.1t7tphccnfzmb.woff2`.
 */
function fontOf(address: string): string {
  return /([^/]+)-wght-normal/.exec(address)?.[1] ?? address;
}

test('what the router fetches of the chat ahead is the page, not what clients of Ollama look for', async ({ page }) => {
  const types: (string | undefined)[] = [];
  page.on('response', (response) => {
    const { pathname, search } = new URL(response.url());
    if (pathname === '/' && search.includes('_rsc=')) types.push(response.headers()['content-type']);
  });
  await page.goto('/nowhere-at-all');
  await expect.poll(() => types.length).toBeGreaterThan(0);
  await page.waitForLoadState('networkidle');
  expect(new Set(types)).toEqual(new Set(['text/x-component']));
});
