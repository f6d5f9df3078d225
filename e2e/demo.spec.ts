import type { Page } from 'playwright/test';
import { accessibilityFaults, accessibilityFaultsInBoth, expect, lineOfCaret, test } from './support.ts';

/**
 * The playground while the runner is away: its health route cannot be reached, everything else
 * can.
 */
test.beforeEach(async ({ page }) => {
  await page.route('**/api/v1/**', (route) => route.abort('connectionrefused'));
  await page.goto('/playground');
  await expect(page.getByText('Demo mode.')).toBeVisible();
});

async function write(page: Page, program: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Program' }).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(program);
}

async function choose(page: Page, language: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: new RegExp(`^${language}`) }).click();
}

const run = (page: Page) => page.getByRole('button', { name: 'Run', exact: true }).click();
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });
/** Python's engine is 13 MB. */
const ENGINE = { timeout: 60_000 };

test('Python really runs, and a program that fails names its line and ends with its code', async ({ page }) => {
  await page.getByRole('button', { name: 'Add a file' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('util.py');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await write(page, 'def double(n):\n    return n * 2');
  await page.getByRole('tab', { name: 'main.py' }).click();
  await write(
    page,
    'import sys\nfrom util import double\nprint(double(21), sys.argv[1:], input().upper())\nprint("oh", file=sys.stderr)',
  );
  await page.getByRole('textbox', { name: 'Stdin' }).fill('hello');
  await page.getByRole('textbox', { name: 'Arguments' }).fill('-v "a b"');
  await run(page);
  await expect(output(page)).toContainText("42 ['-v', 'a b'] HELLO", ENGINE);
  await expect(output(page)).toContainText('oh');
  await expect(output(page)).toContainText('Ran in your browser');
  expect(await accessibilityFaults(page)).toEqual([]);

  // In the same engine, which takes many times as long to start as these programs.
  await write(page, 'def inner():\n    raise ValueError("no good")\n\ninner()');
  await run(page);
  await expect(output(page)).toContainText('ValueError: no good', ENGINE);
  await expect(output(page)).not.toContainText('exec(');
  await expect(output(page)).toContainText('Exited with code 1');
  await page.getByRole('button', { name: /go to line 2 of main.py/ }).click();
  await expect.poll(() => lineOfCaret(page)).toContain('raise');
  await page.keyboard.insertText('# here');
  await expect(page.getByRole('textbox', { name: 'Program' })).toContainText('# here    raise');
  await write(page, 'import sys\nsys.exit(3)');
  await run(page);
  await expect(output(page)).toContainText('Exited with code 3', ENGINE);
});

test('JavaScript and TypeScript really run, timers and all', async ({ page }) => {
  await choose(page, 'JavaScript');
  await write(page, "setTimeout(() => console.log('later', [1, { a: 2 }]), 20);\nconsole.log(6 * 7);");
  await run(page);
  await expect(output(page)).toContainText('42');
  await expect(output(page)).toContainText('later [ 1, { a: 2 } ]');
  await choose(page, 'TypeScript');
  await write(page, 'enum Size { Small, Large }\nconst size: Size = Size.Large;\nconsole.log("size", size as number);');
  await run(page);
  await expect(output(page)).toContainText('size 1');
});

test('output arrives while the program runs, and an endless loop is stopped', async ({ page }) => {
  await write(page, 'print("begun")\nwhile True:\n    pass');
  await run(page);
  await expect(output(page)).toContainText('begun', ENGINE);
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect(output(page)).toContainText('Stopped');
  await write(page, 'print("next")');
  await run(page);
  await expect(output(page)).toContainText('next', ENGINE);
});

test('what never ends is ended after its time, and what writes without end after 100 KB', async ({ page }) => {
  await choose(page, 'JavaScript');
  await write(page, 'for (;;) {}');
  await run(page);
  await expect(output(page)).toContainText('Timed out after 10 s.', { timeout: 30_000 });
  await write(page, "for (;;) console.log('y'.repeat(99))");
  await run(page);
  await expect(output(page)).toContainText('Stopped: more than 100 KB of output.');
  await expect(output(page).getByText('100 KB')).toHaveCount(1);
});

test('a program reaches neither the page, nor its origin, its storage, nor any network', async ({ page, baseURL }) => {
  await page.evaluate(() => {
    localStorage.setItem('secret', 'of the page');
    document.cookie = 'secret=of-the-page';
  });
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  await write(
    page,
    `import js
from pyodide.ffi import run_sync

def attempt(name, action):
    try:
        print(name, "REACHED", action())
    except BaseException as error:
        print(name, "refused", type(error).__name__)

print("origin", js.origin)
attempt("fetch", lambda: run_sync(js.fetch("${baseURL}/api/models?leak")).status)
attempt("elsewhere", lambda: run_sync(js.fetch("https://example.org/leak")).status)
attempt("socket", lambda: run_sync(js.eval("new Promise((done, fail) => { const s = new WebSocket('wss://example.org/leak'); s.onopen = done; s.onerror = () => fail(new Error('no')) })")))
attempt("import", lambda: run_sync(js.eval("import('${baseURL}/demo/engine/prelude.js?leak')")))
attempt("storage", lambda: js.localStorage.getItem("secret"))
attempt("database", lambda: run_sync(js.eval("new Promise((done, fail) => { const r = indexedDB.open('x'); r.onsuccess = done; r.onerror = fail })")))
attempt("cookie", lambda: js.document.cookie)
attempt("page", lambda: js.window.parent)
attempt("urllib", lambda: __import__("urllib.request").request.urlopen("${baseURL}/api/models?leak").status)
print("over")`,
  );
  await run(page);
  await expect(output(page)).toContainText('over', ENGINE);
  const text = await output(page).innerText();
  expect(text).toContain('origin null');
  for (const name of ['fetch', 'elsewhere', 'socket', 'import', 'storage', 'database', 'cookie', 'page', 'urllib'])
    expect(text).toMatch(new RegExp(`${name} refused`));
  expect(text).not.toContain('REACHED');
  expect(requests.filter((url) => url.includes('leak'))).toEqual([]);
});

test('the other languages show what a sample writes, marked as one', async ({ page }) => {
  await choose(page, 'Rust');
  await run(page);
  await expect(output(page)).toContainText('The even squares up to 10 sum to 220');
  await expect(output(page)).toContainText('Example output. Your program did not run.');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await write(page, 'fn main() { println!("mine"); }');
  await run(page);
  await expect(output(page)).toContainText(/Example output of “.+”\. Your program did not run\./);
  await expect(output(page)).not.toContainText('mine');
});

test('demo mode ends by itself when the runner is back', async ({ page }) => {
  await page.unroute('**/api/v1/**');
  await expect(page.getByText('Demo mode.')).toBeHidden({ timeout: 15_000 });
  await write(page, 'import platform\nprint(platform.system(), 6 * 7)');
  await run(page);
  await expect(output(page)).toContainText('Linux 42');
});
