import type { Locator, Page } from 'playwright/test';
import { expect, saying, test } from './scripted.ts';
import {
  accessibilityFaults,
  accessibilityFaultsInBoth,
  ask,
  freshQuestion,
  responseComplete,
  responses,
} from './support.ts';

/** How the result of a run is shown, in the playground and below code in a chat. */
const editor = (page: Page) => page.getByRole('textbox', { name: 'Program' });
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });
const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click();
const tab = (page: Page, name: string) =>
  page.getByRole('tablist', { name: 'Parts of the playground' }).getByRole('tab', { name });
/** A first compilation waits for its toolchain. */
const COMPILER = { timeout: 60_000 };

async function choose(page: Page, language: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: new RegExp(`^${language}`) }).click();
}

async function write(page: Page, program: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(program);
}

const scrollTop = (region: Locator) =>
  region.getByRole('group', { name: 'Program output' }).evaluate((element) => element.scrollTop);
const occurrences = async (region: Locator, words: string) => (await region.innerText()).split(words).length - 1;

test('what a compiler says is shown once, from its top, without another notice', async ({ page }) => {
  await page.goto('/playground');
  await choose(page, 'Rust');
  await write(page, `fn main() {\n${'    missing();\n'.repeat(20)}}\n`);
  await run(page);
  await expect(output(page)).toContainText('Compile error', COMPILER);
  await expect(output(page)).toContainText('aborting due to');
  expect(await occurrences(output(page), 'main.rs:2:5')).toBe(1);
  expect(await occurrences(output(page), 'aborting due to')).toBe(1);
  expect(await scrollTop(output(page))).toBe(0);
  await expect(output(page)).not.toContainText('does not compile');
  await expect(output(page).getByRole('alert')).toHaveCount(0);
  await choose(page, 'Java \\d');
  await write(page, 'class Main {\n  public static void main(String[] args) {\n    int n = "x";\n  }\n}\n');
  await run(page);
  await expect(output(page)).toContainText('incompatible types', COMPILER);
  expect(await occurrences(output(page), 'incompatible types')).toBe(1);
  await expect(output(page)).not.toContainText('does not compile');
  // A program that writes is followed to its end.
  await choose(page, 'Python');
  await write(page, 'for n in range(300):\n    print("line", n)');
  await run(page);
  await expect(output(page)).toContainText('line 299');
  await expect.poll(() => scrollTop(output(page))).toBeGreaterThan(1000);
});

test('a program that asks for input without any leads to the field for it', async ({ page }) => {
  await page.goto('/playground');
  await write(page, 'print("Hello", input())');
  await run(page);
  await expect(output(page)).toContainText('The program asked for input. Enter it in Stdin.');
  await output(page).getByRole('button', { name: 'Open Stdin' }).click();
  await expect(page.getByRole('textbox', { name: 'Stdin' })).toBeFocused();
  await page.keyboard.type('Ada');
  await run(page);
  await expect(output(page)).toContainText('Hello Ada');
  await expect(output(page)).not.toContainText('Stdin');
  await page.getByRole('textbox', { name: 'Stdin' }).fill('');
  await choose(page, 'Java \\d');
  await write(
    page,
    'import java.util.Scanner;\nclass Main {\n  public static void main(String[] args) {\n    System.out.println(new Scanner(System.in).nextLine());\n  }\n}\n',
  );
  await run(page);
  await expect(output(page)).toContainText('The program asked for input. Enter it in Stdin.', COMPILER);
  await choose(page, 'C\\+\\+');
  await write(page, '#include <iostream>\nint main() { int n = 0; std::cin >> n; std::cout << n; }\n');
  await run(page);
  await expect(output(page)).toContainText('The program reads input, but Stdin is empty.', COMPILER);
  expect(await accessibilityFaults(page)).toEqual([]);
});

test('in a chat, an output is shown once, kept over a reload, and leaves without escapes', async ({
  page,
  model,
  context,
}) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  model.play(
    saying(
      '```cpp\nint main() { missing(); }\n```\n\nAnd:\n\n```js\nconsole.log("\\u001b[32mgreen\\u001b[0m");\nprocess.exit(1);\n```\n\n```python\nimport time\nprint("begun", flush=True)\ntime.sleep(50)\n```\n',
    ),
  );
  await page.goto('/');
  await ask(page, freshQuestion('Results'));
  await responseComplete(page);
  const block = (text: string) => responses(page).first().locator('.code-block').filter({ hasText: text });
  const result = (text: string) => block(text).getByRole('region', { name: 'Output of the program' });
  for (const text of ['missing()', 'green'])
    await block(text).getByRole('button', { name: 'Run', exact: true }).click();
  await expect(result('missing()')).toContainText('Compile error', COMPILER);
  expect(await occurrences(result('missing()'), 'error: ')).toBe(1);
  await expect(result('missing()')).not.toContainText('does not compile');
  await expect(result('green')).toContainText('Exited with code 1');
  await expect(result('green').getByText('green', { exact: true })).toHaveClass(/text-good/);

  await page.reload();
  await expect(result('missing()')).toContainText('Compile error');
  expect(await occurrences(result('missing()'), 'error: ')).toBe(1);
  await expect(result('green')).toContainText('Exited with code 1');
  await result('green').getByRole('button', { name: 'Copy output' }).click();
  await expect(result('green').getByRole('button', { name: 'Copied' })).toBeVisible();
  expect((await page.evaluate(() => navigator.clipboard.readText())).trim()).toBe('green');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);

  model.play(saying('It is green.'));
  await result('green').getByRole('button', { name: 'Ask about this output' }).click();
  await expect(responses(page)).toHaveCount(2);
  await responseComplete(page);
  const body = model.requests.findLast(({ path }) => path === '/api/chat')?.body;
  const asked = (body as { messages: { content: string }[] } | undefined)?.messages.at(-1)?.content;
  expect(asked).toBe('I ran main.js. It exited with code 1. Its output:\n\n```output main.js · exit 1\ngreen\n```');

  // A program that runs is stopped by leaving the page; what it wrote stays.
  await block('begun').getByRole('button', { name: 'Run', exact: true }).click();
  await expect(result('begun')).toContainText('Running');
  await expect(result('begun').getByText('begun')).toBeVisible();
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await pages.getByRole('link', { name: 'Playground' }).click();
  await expect(editor(page)).toBeVisible();
  await page.goBack();
  await expect(result('begun')).toContainText('Stopped');
  await expect(result('begun').getByText('begun')).toBeVisible();

  // What was closed stays closed.
  await result('green').getByRole('button', { name: 'Close' }).click();
  await expect(result('green')).toHaveCount(0);
  await page.reload();
  await expect(result('missing()')).toBeVisible();
  await expect(result('green')).toHaveCount(0);
});

test.describe('on small screens', () => {
  /** A phone with its keyboard up, one on its side, and 1024 × 768 at 200 %. */
  const SIZES = [
    { width: 390, height: 420 },
    { width: 844, height: 390 },
    { width: 512, height: 384 },
    { width: 320, height: 480 },
    { width: 390, height: 844 },
    { width: 768, height: 480 },
  ];

  test('the editor has eight lines, the parts are tabs, and Run is there in each', async ({ page }) => {
    await page.goto('/playground');
    await write(page, 'import time\nprint("begun", flush=True)\ntime.sleep(2)\nprint("over")');
    for (const size of SIZES) {
      await page.setViewportSize(size);
      const lines = await page.locator('.cm-scroller').evaluate((element) => {
        const { top, bottom } = element.getBoundingClientRect();
        const line = Number.parseFloat(getComputedStyle(element).lineHeight);
        return (Math.min(bottom, innerHeight) - Math.max(top, 0) - 12) / line;
      });
      expect(lines, JSON.stringify(size)).toBeGreaterThanOrEqual(8);
      const overflow = await page.getByRole('main').evaluate((main) => main.scrollWidth - main.clientWidth);
      expect(overflow, JSON.stringify(size)).toBeLessThanOrEqual(0);
    }
    // At 400 % of 1024 × 768 the page scrolls to the editor, which keeps its eight lines.
    await page.setViewportSize({ width: 256, height: 192 });
    await editor(page).scrollIntoViewIfNeeded();
    expect((await page.locator('.cm-scroller').boundingBox())?.height).toBeGreaterThanOrEqual(8 * 20.8 + 12);

    await page.setViewportSize({ width: 390, height: 420 });
    await expect(output(page)).toBeHidden();
    await tab(page, 'Input').click();
    await expect(page.getByRole('textbox', { name: 'Arguments' })).toBeVisible();
    await expect(editor(page)).toBeHidden();
    await page.getByRole('textbox', { name: 'Stdin' }).focus();
    await page.keyboard.press('ControlOrMeta+Enter');
    await expect(output(page)).toContainText('begun');
    // The field is hidden now; the keyboard goes on at the tabs.
    await expect(tab(page, 'Output')).toBeFocused();
    await page.keyboard.press('Home');
    await expect(tab(page, 'Code')).toBeFocused();
    await expect(tab(page, 'Output')).toHaveAccessibleName(/running|new output/);
    await expect(tab(page, 'Output')).toHaveAccessibleName('Output new output');
    expect(await accessibilityFaultsInBoth(page)).toEqual([]);
    await tab(page, 'Output').click();
    await expect(output(page)).toContainText('over');
    await expect(tab(page, 'Output')).toHaveAccessibleName('Output');
    await tab(page, 'Code').click();
    await write(page, 'print(1)\nraise ValueError("no")');
    await run(page);
    await output(page).getByRole('button', { name: 'go to line 2 of main.py' }).click();
    await expect(editor(page)).toBeFocused();
    await expect(output(page)).toBeHidden();
  });

  test.describe('with touch', () => {
    test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

    test('code has its colours before a touch, one gutter, and a panel that finds and replaces', async ({ page }) => {
      await page.goto('/playground');
      const coloured = () => page.evaluate(() => CSS.highlights.get('code-keyword')?.size ?? 0);
      await expect.poll(coloured).toBeGreaterThan(3);
      await expect(page.locator('.cm-content')).toHaveCount(0);
      const place = (await page.locator('pre').filter({ hasText: 'def primes' }).boundingBox())?.x ?? 0;
      expect(place).toBeLessThan(45);
      await page.emulateMedia({ forcedColors: 'active' });
      const painted = await page.evaluate(() => {
        const { color, backgroundColor } = getComputedStyle(document.documentElement, '::highlight(code-keyword)');
        return { color, backgroundColor, page: getComputedStyle(document.body).color };
      });
      expect(painted.color).toBe(painted.page);
      expect(painted.backgroundColor).not.toBe(painted.color);
      await page.emulateMedia({ forcedColors: 'none' });

      // The editor is fetched with this touch.
      await page.getByRole('button', { name: 'Find and replace' }).tap();
      const panel = page.getByRole('search', { name: 'Find and replace' });
      await expect(panel.getByRole('textbox', { name: 'Find' })).toBeFocused();
      await expect(page.locator('.cm-lineNumbers')).toBeVisible();
      await expect(page.locator('.cm-gutter-lint')).toBeHidden();
      await expect(page.locator('.cm-foldGutter')).toBeHidden();
      await expect(page.locator('.cm-line').first()).toHaveCSS('padding-left', '6px');
      await page.keyboard.type('LIMIT');
      await expect(panel).toContainText('5 matches');
      await panel.getByRole('button', { name: 'Match case' }).tap();
      await expect(panel).toContainText('No matches');
      await panel.getByRole('textbox', { name: 'Find' }).fill('limit');
      await panel.getByRole('button', { name: 'Next match' }).tap();
      await expect(panel).toContainText('1 of 5');
      await panel.getByRole('button', { name: 'Show replace' }).tap();
      await panel.getByRole('textbox', { name: 'Replace with' }).fill('bound');
      expect(await accessibilityFaultsInBoth(page)).toEqual([]);
      for (const button of await panel.getByRole('button').all())
        expect(Math.min(...Object.values((await button.boundingBox()) ?? {}).slice(2))).toBeGreaterThanOrEqual(40);
      await panel.getByRole('button', { name: 'Replace all' }).tap();
      await expect(panel).toContainText('No matches');
      await expect(editor(page)).toContainText('def primes(bound)');
      await panel.getByRole('button', { name: 'Regular expression' }).tap();
      await panel.getByRole('textbox', { name: 'Find' }).fill('(');
      await expect(panel).toContainText('Invalid pattern');
      await page.keyboard.press('Escape');
      await expect(panel).toBeHidden();
      await expect(editor(page)).toBeFocused();
    });
  });
});
