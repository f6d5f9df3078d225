import type { Page } from 'playwright/test';
import { expect, saying, test } from './scripted.ts';
import { freshQuestion, lookWithAxe as look } from './support.ts';

/**
 * Every overlay of the frame and of the pages except the chat, and every state of them that lasts
 * for a while. every-page.spec.ts looks at the pages as they open; other suites look at the states
 * that they produce.
 */

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const write = async (page: Page, program: string) => {
  await page.getByRole('textbox', { name: 'Program' }).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(program);
};
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });

test('the frame: skip link, tooltip, appearance, commands, shortcuts', async ({ page }) => {
  await page.goto('/gateway');
  await expect(page.getByRole('heading', { name: 'No backend configured' })).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await look(page, 'skip link');
  await button(page, /^Model: /).hover();
  await expect(page.getByText(/^Model: .* · ready/)).toBeVisible();
  await look(page, 'tooltip');
  await button(page, /^Theme/).click();
  await expect(page.getByRole('menu')).toBeVisible();
  await look(page, 'appearance');
  await page.keyboard.press('Escape');
  await page.keyboard.press('ControlOrMeta+k');
  await expect(page.getByRole('option', { name: 'Playground' })).toBeVisible();
  await look(page, 'commands');
  await page.keyboard.type('nothing is called so');
  await expect(page.getByText('No results')).toBeVisible();
  await look(page, 'commands, nothing found');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Run the program');
  await look(page, 'shortcuts');
});

test('the playground: its choices, files, search, and runs', async ({ page }) => {
  await page.goto('/playground');
  await expect(page.getByRole('textbox', { name: 'Program' })).toBeVisible();
  await page.getByRole('combobox', { name: 'Language' }).click();
  await expect(page.getByRole('option', { name: /^Rust/ })).toBeVisible();
  await look(page, 'languages');
  await page.keyboard.press('Escape');
  await button(page, 'Examples').click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await look(page, 'examples');
  await page.keyboard.press('Escape');

  await button(page, 'Add a file').click();
  await page.getByRole('textbox', { name: 'Name' }).fill('main.py');
  await button(page, 'Add').click();
  await expect(page.getByText('main.py already exists.')).toBeVisible();
  await look(page, 'a file name that is taken');
  await page.getByRole('textbox', { name: 'Name' }).fill('util.py');
  await button(page, 'Add').click();
  await button(page, 'More for util.py').click();
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeVisible();
  await look(page, 'menu of a file');
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await expect(page.getByRole('dialog', { name: 'Rename file' })).toBeVisible();
  await look(page, 'rename a file');
  await page.keyboard.press('Escape');
  await button(page, 'More for util.py').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(button(page, 'Undo')).toBeVisible();
  await look(page, 'a file was deleted');

  await page.getByRole('textbox', { name: 'Stdin' }).fill('from stdin');
  await page.getByRole('textbox', { name: 'Arguments' }).fill('-v');
  await write(page, 'import time\nprint("begun", flush=True)\ntime.sleep(60)');
  await button(page, 'Run').click();
  await expect(output(page)).toContainText('begun');
  await look(page, 'a program runs');
  await button(page, 'Stop').click();
  await expect(output(page)).toContainText('Stopped');
  await look(page, 'a program was stopped');
  await write(page, 'raise ValueError("no good")');
  await button(page, 'Run').click();
  await expect(output(page)).toContainText('ValueError');
  await look(page, 'a program failed');
  await page.getByRole('textbox', { name: 'Program' }).click();
  await page.keyboard.press('ControlOrMeta+f');
  await expect(page.getByRole('textbox', { name: 'Find' })).toBeFocused();
  await page.keyboard.type('no');
  await look(page, 'search in the editor');
  await page.keyboard.press('Escape');
  await page.route('**/api/v1/code/run', (route) => route.abort('connectionrefused'));
  await button(page, 'Run').click();
  await expect(output(page)).toContainText('Run again');
  await look(page, 'a program that could not be run');
});

test('the playground: what the compiler says, on its line too', async ({ page }) => {
  await page.goto('/playground');
  await write(page, 'def broken(:\n    pass');
  await expect(page.getByRole('region', { name: 'Problems' }).getByRole('button')).toBeVisible({ timeout: 30_000 });
  await look(page, 'problems');
  await page.locator('.cm-lint-marker-error').hover();
  await expect(page.locator('.cm-tooltip')).toBeVisible();
  await look(page, 'a problem on its line');
});

test('the dashboard: being read, its menus and questions, what came of them, its failure', async ({ page, model }) => {
  model.play(saying('Warm.'));
  const held = Promise.withResolvers<void>();
  await page.route('**/api/cache-stats', async (route) => {
    await held.promise;
    await route.continue();
  });
  await page.goto('/dashboard');
  // What the server knew when it rendered the page.
  await expect(page.getByRole('figure', { name: 'Requests per second' })).toBeVisible();
  await look(page, 'being read');
  held.resolve();
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await button(page, 'Clear cache').click();
  await expect(page.getByRole('menuitem', { name: 'Response and conversation caches' })).toBeVisible();
  await look(page, 'caches');
  await page.getByRole('menuitem', { name: 'Response and conversation caches' }).click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await look(page, 'clear the caches');
  await button(page, 'Clear both').click();
  await expect(page.getByRole('alertdialog')).toBeHidden();
  await expect(page.getByText(/entr(?:y|ies) cleared\./).first()).toBeVisible();
  await look(page, 'caches were cleared');
  await button(page, 'Load model').click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await look(page, 'load the model');
  await page.route('**/api/cache-stats', (route) => route.abort('connectionrefused'));
  await page.getByRole('alertdialog').getByRole('button', { name: 'Load model' }).click();
  await expect(page.getByRole('alert').first()).toBeVisible();
  await look(page, 'a failed action');
});

test('a request is cancelled after a question', async ({ page, request, model }) => {
  model.play(['hang']);
  const data = { messages: [{ role: 'user', content: freshQuestion('Cancel') }] };
  const { request_id: id } = await (await request.post('/api/chat-queue', { data })).json();
  await page.goto('/dashboard');
  await button(page, `Cancel request ${id.slice(0, 8)}`).click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await look(page, 'cancel a request');
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel request' }).click();
  await expect(page.getByText(`Request ${id.slice(0, 8)} cancelled.`).first()).toBeVisible();
  await model.idle();
});

test('the gateway while its figures cannot be had', async ({ page }) => {
  await page.route('**/gateway-health*', (route) => route.abort('connectionrefused'));
  await page.goto('/gateway');
  await expect(page.getByRole('alert').first()).toBeVisible();
  await look(page, 'no figures');
});

test.describe('a page whose code does not come', () => {
  test.use({ expectedErrors: /ChunkLoadError/ });

  test('says that a part is missing, stays as it is, and can be loaded again', async ({ page }) => {
    await page.goto('/dashboard');
    await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
    await page.route('**/*.js', (route) => route.abort('connectionrefused'));
    await button(page, 'Load model').click();
    await expect(page.getByRole('alert').filter({ hasText: 'Could not load this.' })).toBeVisible();
    await look(page, 'a part that could not be loaded');
    await page.unroute('**/*.js');
    await button(page, 'Reload').click();
    await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  });

  test('goes on where that was only fetched ahead, and is fetched when it is wanted', async ({ page }) => {
    await page.goto('/dashboard');
    await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
    const refused: string[] = [];
    await page.route('**/*.js', async (route) => {
      refused.push(route.request().url());
      await route.abort('connectionrefused');
    });
    await button(page, 'Clear cache').hover();
    // Each is asked for twice.
    await expect.poll(() => refused.length > 1 && new Set(refused).size * 2 === refused.length).toBe(true);
    await page.unroute('**/*.js');
    await button(page, 'Clear cache').click();
    await expect(page.getByRole('menuitem', { name: 'Response and conversation caches' })).toBeVisible();
  });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('the playground with its languages and an output; a tapped dot', async ({ page }) => {
    await page.goto('/playground');
    await page.getByRole('combobox', { name: 'Language' }).tap();
    await expect(page.getByRole('option', { name: /^Rust/ })).toBeVisible();
    await look(page, 'languages');
    await page.keyboard.press('Escape');
    await button(page, 'Run').tap();
    await expect(output(page)).toContainText('Success');
    await look(page, 'an output');
    await button(page, 'More').tap();
    await expect(page.getByRole('heading', { name: 'Code runner' })).toBeVisible();
    await look(page, 'the sheet of the frame');
  });

  test('the dashboard with a menu and a question', async ({ page }) => {
    await page.goto('/dashboard');
    await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
    await look(page, 'figures');
    await button(page, 'Clear cache').tap();
    await expect(page.getByRole('menuitem', { name: 'Response and conversation caches' })).toBeVisible();
    await look(page, 'caches');
  });
});
