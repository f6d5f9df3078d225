import type { Page } from 'playwright/test';
import { accessibilityFaults, accessibilityFaultsInBoth, expect, lineOfCaret, test } from './support.ts';

test.beforeEach(async ({ page }) => {
  await page.goto('/playground');
  await expect(editor(page)).toBeVisible();
});

const editor = (page: Page) => page.getByRole('textbox', { name: 'Program' });
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });
const problems = (page: Page) => page.getByRole('region', { name: 'Problems' });

async function write(page: Page, program: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(program);
}

async function choose(page: Page, language: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: new RegExp(`^${language}`) }).click();
}

async function addFile(page: Page, name: string, text: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a file' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('tab', { name })).toHaveAttribute('aria-selected', 'true');
  await write(page, text);
}

const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click();

test('a Python program really runs', async ({ page }) => {
  await write(page, 'import platform\nprint(6 * 7, platform.system())');
  await run(page);
  await expect(output(page)).toContainText('42 Linux');
});

test('a JavaScript program runs by the keyboard, from its input field too', async ({ page }) => {
  await choose(page, 'JavaScript');
  await write(page, "console.log(require('fs').readFileSync(0, 'utf8').toUpperCase())");
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(output(page)).toContainText('Success');
  await page.getByRole('textbox', { name: 'Stdin' }).fill('hello');
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(output(page)).toContainText('HELLO');
});

test('output arrives while the program runs, and stop ends it', async ({ page, request }) => {
  await write(page, 'import time\nprint("begun", flush=True)\ntime.sleep(50)');
  await run(page);
  await expect(output(page)).toContainText('begun');
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeVisible();
  await expect.poll(async () => (await (await request.get('/api/cache-stats')).json()).runner.active).toBe(0);
});

test('a program that fails shows its error and how it ended, and leads to its line', async ({ page }) => {
  await write(page, 'print("before")\nraise ValueError("no good")');
  await run(page);
  await expect(output(page)).toContainText('before');
  await expect(output(page)).toContainText('ValueError: no good');
  await expect(output(page)).toContainText('Exited with code 1');
  await page.getByRole('button', { name: 'go to line 2 of main.py' }).click();
  await expect(editor(page)).toBeFocused();
  await expect.poll(() => lineOfCaret(page)).toContain('raise');
  await page.keyboard.insertText('# ');
  await run(page);
  await expect(output(page)).toContainText(/Exit code\s*0/);
});

test('what the compiler says stands on its line while one writes, and leads there', async ({ page }) => {
  await choose(page, 'TypeScript');
  await write(page, 'const fine = 1;\nconst size: number = "large";\nconsole.log(fine, size);\n');
  const problem = problems(page).getByRole('button', { name: /not assignable to type 'number'/ });
  await expect(problem).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('.cm-lint-marker-error')).toHaveCount(1);
  expect(await accessibilityFaults(page)).toEqual([]);
  await problem.click();
  await expect(editor(page)).toBeFocused();
  // The cursor stands where the compiler pointed: at the name.
  await page.keyboard.insertText('the');
  await expect(editor(page)).toContainText('const thesize: number');
  await write(page, 'const size: number = 1;\nconsole.log(size);\n');
  await expect(problem).toBeHidden({ timeout: 30_000 });
  await expect(page.locator('.cm-lint-marker-error')).toHaveCount(0);
});

test('a program of several files runs; files are renamed and deleted', async ({ page }) => {
  await addFile(page, 'util.py', 'def double(n):\n    return n * 2');
  await page.getByRole('tab', { name: 'main.py' }).click();
  await write(page, 'from util import double\nprint(double(21))');
  await run(page);
  await expect(output(page)).toContainText('42');

  // With the arrow keys, as tabs are.
  await page.getByRole('tab', { name: 'main.py' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByRole('tab', { name: 'util.py' })).toBeFocused();
  await expect(editor(page)).toContainText('return n * 2');
  await page.getByRole('button', { name: 'More for util.py' }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('main.py');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await expect(page.getByText('main.py already exists.')).toBeVisible();
  await page.getByRole('textbox', { name: 'Name' }).fill('other.py');
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await run(page);
  await expect(output(page)).toContainText("No module named 'util'");

  await page.reload();
  await page.getByRole('tab', { name: 'other.py' }).click();
  await expect(editor(page)).toContainText('return n * 2');
  await page.getByRole('button', { name: 'More for other.py' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('tab')).toHaveCount(1);
});

test('a link holds the whole program, which the server never sees', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await addFile(page, 'util.py', 'WORD = "shared"');
  await page.getByRole('tab', { name: 'main.py' }).click();
  await write(page, 'import sys, util\nprint(util.WORD, sys.argv[1], input())');
  await page.getByRole('textbox', { name: 'Stdin' }).fill('from the link');
  await page.getByRole('textbox', { name: 'Arguments' }).fill('"a b"');
  await page.getByRole('button', { name: 'Copy link' }).click();
  await expect(page.getByRole('button', { name: 'Link copied' })).toBeVisible();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  expect(link).toContain('/playground#program=');

  const other = await context.newPage();
  await other.addInitScript(() => localStorage.clear());
  const asked: string[] = [];
  other.on('request', (request) => asked.push(request.url()));
  await other.goto(link);
  await expect(other.getByRole('tab', { name: 'util.py' })).toBeVisible();
  await run(other);
  await expect(output(other)).toContainText('shared a b from the link');
  expect(asked.filter((url) => url.includes('program='))).toEqual([]);
});

test('colours of a terminal are shown, and nothing else that a terminal would do', async ({ page }) => {
  const esc = '\\u001b';
  await choose(page, 'JavaScript');
  await write(
    page,
    `console.log("${esc}[31mred${esc}[0m plain <b>no markup</b> ${esc}]0;title\\u0007end");\nprocess.stdout.write("10%\\r100%\\n");`,
  );
  await run(page);
  await expect(output(page).getByText('red', { exact: true })).toHaveClass(/text-error/);
  await expect(output(page)).toContainText('plain <b>no markup</b> end');
  await expect(output(page)).toContainText('100%');
  await expect(output(page)).not.toContainText('10%1');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
});

test.describe('before the editor has come', () => {
  const plain = (page: Page) => page.locator('textarea[aria-label="Program"]');
  const made = (page: Page) => page.locator('.cm-content');

  test('a new browser has the first sample with the page itself, another one has its own program', async ({ page }) => {
    const first = await page.request.get('/playground');
    expect(await first.text()).toContain('def primes(limit)');
    await write(page, 'print("mine")');
    await expect(made(page)).toHaveText('print("mine")');
    const later = await page.request.get('/playground');
    expect(await later.text()).not.toContain('def primes(limit)');
    await page.reload();
    await expect(made(page)).toHaveText('print("mine")');
  });

  test("a link's program is never preceded by the sample", async ({ page, context }) => {
    await write(page, 'print("linked")');
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.getByRole('button', { name: 'Copy link' }).click();
    await expect(page.getByRole('button', { name: 'Link copied' })).toBeVisible();
    const address = await page.evaluate(() => navigator.clipboard.readText());
    await context.clearCookies();
    const watched = async (url: string) => {
      const other = await context.newPage();
      await other.addInitScript(() => {
        localStorage.clear();
        const look = () => {
          const sample = document.querySelector('[data-first]');
          if (sample !== null && getComputedStyle(sample).visibility === 'visible')
            Object.assign(window, { seen: true });
          requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      });
      await other.goto(url);
      await expect(made(other)).toBeVisible();
      const seen = await other.evaluate(() => 'seen' in window);
      const text = await made(other).textContent();
      await other.close();
      await context.clearCookies();
      return { seen, text };
    };
    expect(await watched(address)).toEqual({ seen: false, text: 'print("linked")' });
    expect(await watched('/playground')).toMatchObject({ seen: true });
  });

  test.describe('on a touch screen', () => {
    test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

    test('the program waits as a plain field, and what is written there goes on in the editor', async ({ page }) => {
      await page.waitForLoadState('networkidle');
      await expect(plain(page)).toBeEditable();
      await expect(made(page)).toHaveCount(0);
      expect(await accessibilityFaults(page)).toEqual([]);
      await plain(page).tap();
      // From the first touch on the editor may be there at any letter.
      await page.keyboard.press('ControlOrMeta+a');
      await page.keyboard.type('print(6 * 7)', { delay: 5 });
      await expect(made(page)).toBeFocused();
      await expect(plain(page)).toHaveCount(0);
      await expect(made(page)).toHaveText('print(6 * 7)');
      await run(page);
      await expect(output(page)).toContainText('42');
    });
  });
});
