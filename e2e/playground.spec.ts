import { expect, test } from './support.ts';

test.beforeEach(async ({ page }) => {
  await page.goto('/playground');
  await expect(page.getByRole('textbox', { name: 'Program' })).toBeVisible();
});

async function write(page: import('playwright/test').Page, program: string): Promise<void> {
  const editor = page.getByRole('textbox', { name: 'Program' });
  await editor.click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(program);
}

const output = (page: import('playwright/test').Page) => page.getByRole('region', { name: 'Output' });

test('a Python program really runs', async ({ page }) => {
  await write(page, 'import platform\nprint(6 * 7, platform.system())');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(output(page)).toContainText('42 Linux');
});

test('a JavaScript program runs by the keyboard, with input', async ({ page }) => {
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: 'JavaScript' }).click();
  await page.getByRole('textbox', { name: 'Input' }).fill('hello');
  await write(page, "console.log(require('fs').readFileSync(0, 'utf8').toUpperCase())");
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(output(page)).toContainText('HELLO');
});

test('output arrives while the program runs, and stop ends it', async ({ page, request }) => {
  await write(page, 'import time\nprint("begun", flush=True)\ntime.sleep(50)');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(output(page)).toContainText('begun');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeVisible();
  await expect.poll(async () => (await (await request.get('/api/cache-stats')).json()).runner.active).toBe(0);
});

test('a program that fails shows its error and how it ended', async ({ page }) => {
  await write(page, 'print("before")\nraise ValueError("no good")');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(output(page)).toContainText('before');
  await expect(output(page)).toContainText('ValueError: no good');
  await expect(output(page)).toContainText(/Exit code\s*1/);
});
