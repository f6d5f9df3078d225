import { deflateRawSync } from 'node:zlib';
import type { Page } from 'playwright/test';
import { accessibilityFaults, expect, test } from './support.ts';

/** Programs are saved things: nothing that the playground does loses one. */

const editor = (page: Page) => page.getByRole('textbox', { name: 'Program' });
const output = (page: Page) => page.getByRole('region', { name: 'Output', exact: true });
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const menu = (page: Page) => page.getByRole('button', { name: /^Program: / });
const entry = (page: Page, name: string | RegExp) => page.getByRole('menuitem', { name });
const input = (page: Page) => page.getByRole('textbox', { name: /^(Input|Stdin)/ });
const args = (page: Page) => page.getByRole('textbox', { name: /^Arg/ });

async function visit(page: Page, address = '/playground'): Promise<void> {
  await page.goto(address);
  await expect(page.locator('.cm-content')).toBeVisible();
}

async function write(page: Page, program: string): Promise<void> {
  await editor(page).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(program);
}

async function openProgram(page: Page, name: string): Promise<void> {
  await menu(page).click();
  await page.getByRole('menuitemradio', { name: new RegExp(`^${name}`) }).click();
  await expect(menu(page)).toHaveAccessibleName(`Program: ${name}`);
}

const names = (page: Page) =>
  page.evaluate(() =>
    Object.keys(localStorage)
      .filter((key) => key.startsWith('program:'))
      .map((key) => JSON.parse(`${localStorage.getItem(key)?.split('\n')[1]}`).name)
      .sort(),
  );

async function copyLink(page: Page): Promise<string> {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await button(page, 'Copy link').click();
  await expect(button(page, 'Link copied')).toBeVisible();
  return page.evaluate(() => navigator.clipboard.readText());
}

test('an example opens as a new program, and one undo leads back to the own one', async ({ page }) => {
  await visit(page);
  await expect(page.getByText('Not saved yet')).toBeVisible();
  await write(page, 'print("mine")');
  await expect(page.getByText('Saved', { exact: true })).toBeVisible();
  await button(page, 'Examples').click();
  await entry(page, 'Read the input').click();
  await expect(editor(page)).toContainText('Counter');
  await expect(menu(page)).toHaveAccessibleName('Program: Read the input');
  expect(await names(page)).toEqual(['Prime numbers']);
  // The newest toast is the first.
  await button(page, 'Undo').first().click();
  await expect(editor(page)).toHaveText('print("mine")');

  // A new program, edited, stands next to it; both are there after a reload.
  await menu(page).click();
  await entry(page, 'New program').click();
  await expect(editor(page)).toHaveText('');
  await page.keyboard.insertText('print("second")');
  expect(await names(page)).toEqual(['Prime numbers', 'Untitled Python']);
  await page.reload();
  await expect(page.locator('.cm-content')).toHaveText('print("second")');
  await openProgram(page, 'Prime numbers');
  await expect(editor(page)).toHaveText('print("mine")');

  // Each language has its own programs.
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: /^Rust/ }).click();
  await write(page, 'fn main() {}');
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: /^Python/ }).click();
  await expect(editor(page)).toHaveText('print("second")');
  expect(await names(page)).toHaveLength(3);
});

test('a link opens next to the own program, and is kept only if it is edited', async ({ page, context }) => {
  await visit(page);
  await write(page, 'print("v1")');
  const link = await copyLink(page);
  expect(new URL(page.url()).hash).toBe('');
  // What is written after the link was copied is there after a reload.
  await write(page, 'print("v2 my later work")');
  await page.reload();
  await expect(page.locator('.cm-content')).toHaveText('print("v2 my later work")');

  const other = await context.newPage();
  await other.goto(link);
  await expect(other.locator('.cm-content')).toHaveText('print("v1")');
  expect(await names(other)).toEqual(['Prime numbers']);
  await other.goto('/playground');
  await other.reload();
  await expect(other.locator('.cm-content')).toHaveText('print("v1")');
  // The fragment alone changes, and the text is the same: only after a load does the text show that
  // the link has been read.
  await other.goto(link);
  await other.reload();
  await expect(other.locator('.cm-content')).toHaveText('print("v1")');
  await other.locator('.cm-content').click();
  await other.keyboard.press('ControlOrMeta+End');
  await other.keyboard.insertText('  # mine now');
  await expect(other).toHaveURL(/\/playground$/);
  expect(await names(other)).toEqual(['Prime numbers', 'Prime numbers 2']);
  await other.reload();
  await expect(other.locator('.cm-content')).toHaveText('print("v1")  # mine now');
  await other.close();
  await page.reload();
  await expect(page.locator('.cm-content')).toHaveText('print("v2 my later work")');

  // The code of a chat has no name: a comment in it is one. The list has it before it is saved.
  const packed = deflateRawSync(JSON.stringify({ language: 'python', code: '# Counts words\nprint(1)' }));
  await page.goto(`/playground#program=${packed.toString('base64url')}`);
  await expect(editor(page)).toContainText('Counts words');
  await menu(page).click();
  const listed = page.getByRole('menuitemradio');
  await expect(listed.first()).toHaveText('Counts wordsPython · not saved yet');
  await entry(page, /^All programs/).click();
  await expect(page.getByRole('listitem').first()).toContainText('Counts words');
  await page.keyboard.press('Escape');
  await menu(page).click();
  await page.getByRole('menuitemradio', { name: /^Prime numbers ?Python/ }).click();

  await page.goto('/playground#program=broken');
  await expect(page.getByText('This link is incomplete').first()).toBeVisible();
  await expect(page.locator('.cm-content')).toHaveText('print("v2 my later work")');
});

test('two tabs on one program follow one another, and keep both versions if both write', async ({ page, context }) => {
  await visit(page);
  await write(page, 'print("of a")');
  const second = await context.newPage();
  await second.goto('/playground');
  await expect(second.locator('.cm-content')).toHaveText('print("of a")');
  await write(page, 'print("of a, later")');
  await expect(second.locator('.cm-content')).toHaveText('print("of a, later")');
  await write(second, 'print("of d")');
  await expect(page.getByText('was changed in another tab').first()).toBeVisible();
  await expect(menu(page)).toHaveAccessibleName('Program: Prime numbers copy');
  await page.reload();
  await expect(page.locator('.cm-content')).toHaveText('print("of a, later")');
  await second.reload();
  await expect(second.locator('.cm-content')).toHaveText('print("of d")');
  expect(await names(page)).toEqual(['Prime numbers', 'Prime numbers copy']);
  await second.close();
});

test('input, arguments and output stay with the program, and a run goes on while the chat is open', async ({
  page,
}) => {
  await visit(page);
  await write(page, 'import sys, time\nprint(input(), sys.argv[1], flush=True)\ntime.sleep(3)\nprint("over")');
  await input(page).fill('from stdin');
  await args(page).fill('"a b"');
  await button(page, 'Run').click();
  await expect(output(page)).toContainText('from stdin a b');
  await page.getByRole('link', { name: 'Chat', exact: true }).first().click();
  await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  await page.getByRole('link', { name: 'Playground', exact: true }).first().click();
  await expect(output(page)).toContainText('over');
  await expect(output(page)).toContainText('from stdin a b');
  await page.reload();
  await expect(input(page)).toHaveValue('from stdin');
  await expect(args(page)).toHaveValue('"a b"');
  await expect(output(page)).toContainText('over');
  await expect(output(page)).toContainText('Success');

  // Leaving the page asks first while a program runs.
  await write(page, 'import time\nprint("begun", flush=True)\ntime.sleep(50)');
  await button(page, 'Run').click();
  await expect(output(page)).toContainText('begun');
  const asked: string[] = [];
  page.on('dialog', (dialog) => {
    asked.push(dialog.type());
    void dialog.accept();
  });
  await page.reload();
  expect(asked).toEqual(['beforeunload']);
  await expect(output(page)).toContainText('Stopped');
  await expect(output(page)).toContainText('begun');
});

test('programs of earlier versions are taken over', async ({ page }) => {
  await visit(page);
  await page.evaluate(() => {
    localStorage.clear();
    sessionStorage.clear();
    localStorage.setItem('playground:language', 'go');
    localStorage.setItem('playground:go', 'package main // mine');
    localStorage.setItem('playground:python', 'import util');
    localStorage.setItem('playground:python:files', '[{"name":"util.py","content":"x = 1"}]');
  });
  await page.reload();
  await expect(page.locator('.cm-content')).toHaveText('package main // mine');
  expect(await names(page)).toEqual(['Untitled Go', 'Untitled Python']);
  await openProgram(page, 'Untitled Python');
  await page.getByRole('tab', { name: 'util.py' }).click();
  await expect(editor(page)).toHaveText('x = 1');
});

test('programs and files are renamed, duplicated, reset and deleted, and one undo brings them back', async ({
  page,
}) => {
  await visit(page);
  await write(page, 'print("mine")');
  await menu(page).click();
  expect(await accessibilityFaults(page)).toEqual([]);
  await entry(page, 'Rename').click();
  await expect(page.getByRole('dialog', { name: 'Rename program' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(menu(page)).toBeFocused();
  await menu(page).click();
  await entry(page, 'Rename').click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Sieve');
  await button(page, 'Rename').click();
  await expect(menu(page)).toHaveAccessibleName('Program: Sieve');
  await menu(page).click();
  await entry(page, 'Duplicate').click();
  await expect(menu(page)).toHaveAccessibleName('Program: Sieve copy');
  await menu(page).click();
  await entry(page, 'Delete').click();
  await expect(menu(page)).toHaveAccessibleName('Program: Sieve');
  expect(await names(page)).toEqual(['Sieve']);
  await button(page, 'Undo').first().click();
  await expect(menu(page)).toHaveAccessibleName('Program: Sieve copy');
  expect(await names(page)).toEqual(['Sieve', 'Sieve copy']);

  // A reset is an edit, which the editor undoes.
  await menu(page).click();
  await entry(page, 'Reset to example').click();
  await expect(editor(page)).toContainText('def primes(limit)');
  await editor(page).click();
  await page.keyboard.press('ControlOrMeta+z');
  await expect(editor(page)).toHaveText('print("mine")');

  await button(page, 'Add a file').click();
  await page.getByRole('textbox', { name: 'Name' }).fill('util.py');
  await button(page, 'Add').click();
  await write(page, 'x = 1');
  await button(page, 'More for util.py').click();
  await entry(page, 'Delete').click();
  await expect(page.getByRole('tab')).toHaveCount(1);
  await button(page, 'Undo').first().click();
  await expect(page.getByRole('tab', { name: 'util.py' })).toHaveAttribute('aria-selected', 'true');
  await expect(editor(page)).toHaveText('x = 1');

  // The whole list, with its own actions.
  await menu(page).click();
  await entry(page, /^All programs/).click();
  const list = page.getByRole('dialog', { name: 'Programs' });
  await expect(list.getByRole('listitem')).toHaveCount(2);
  expect(await accessibilityFaults(page)).toEqual([]);
  await list.getByRole('button', { name: 'More for Sieve', exact: true }).click();
  await entry(page, 'Delete').click();
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await button(page, 'Undo').first().click();
  await expect.poll(() => names(page)).toEqual(['Sieve', 'Sieve copy']);
});

test('files are dropped, chosen and downloaded; a time limit is sent; the model is asked', async ({ page }) => {
  await visit(page);
  await write(page, 'print(open("data.csv").read())');
  const dropped = await page.evaluateHandle(() => {
    const data = new DataTransfer();
    data.items.add(new File(['1,2,3'], 'data.csv'));
    data.items.add(new File([new Uint8Array([0, 1])], 'image.bin'));
    return data;
  });
  await editor(page).dispatchEvent('dragover', { dataTransfer: dropped });
  await expect(page.getByText('Drop files here')).toBeVisible();
  await editor(page).dispatchEvent('drop', { dataTransfer: dropped });
  await expect(page.getByRole('tab', { name: 'data.csv' })).toHaveAttribute('aria-selected', 'true');
  await expect(page.getByText('image.bin is not a text file.').first()).toBeVisible();
  await expect(editor(page)).toHaveText('1,2,3');

  await menu(page).click();
  await entry(page, 'Time limit').click();
  await page.getByRole('menuitemradio', { name: '30 s' }).click();
  const sent = page.waitForRequest('**/api/v1/code/run');
  await button(page, 'Run').click();
  expect((await sent).postDataJSON()).toMatchObject({ timeout: 30 });
  await expect(output(page)).toContainText('1,2,3');

  const downloads: string[] = [];
  page.on('download', (download) => downloads.push(download.suggestedFilename()));
  await menu(page).click();
  await entry(page, 'Download').click();
  await entry(page, 'main.py').click();
  await expect.poll(() => downloads).toEqual(['main.py']);

  const picker = page.waitForEvent('filechooser');
  await menu(page).click();
  await entry(page, 'Open files').click();
  await (await picker).setFiles({ name: 'hello.js', mimeType: 'text/javascript', buffer: Buffer.from('let x') });
  await expect(menu(page)).toHaveAccessibleName('Program: hello');
  await expect(editor(page)).toHaveText('let x');
  await expect(page.getByRole('combobox', { name: 'Language' })).toContainText('JavaScript');
  await button(page, 'Undo').first().click();
  await expect(menu(page)).toHaveAccessibleName('Program: Prime numbers');
  expect(await names(page)).toEqual(['Prime numbers']);

  await menu(page).click();
  await entry(page, 'Ask the model').click();
  const message = page.getByRole('textbox', { name: 'Message' });
  await expect(message).toHaveValue(
    /About this Python program:[\s\S]*open\("data.csv"\)[\s\S]*exit code 0[\s\S]*1,2,3/,
  );
});

test('the tab of the file that is shown is in view among many, and the limit of files is named', async ({ page }) => {
  const files = Array.from({ length: 18 }, (_, index) => ({ name: `module_number_${index}.py`, content: '' }));
  await visit(page);
  await write(page, 'pass');
  await page.evaluate((many) => {
    const key = Object.keys(localStorage).find((name) => name.startsWith('program:')) ?? '';
    const [, text = ''] = (localStorage.getItem(key) ?? '').split('\n');
    const program = JSON.parse(text);
    program.files.push(...many);
    localStorage.setItem(key, `changed\n${JSON.stringify(program)}`);
    sessionStorage.clear();
  }, files);
  await page.goto('/dashboard');
  await page.evaluate(() => sessionStorage.clear());
  await visit(page);
  await page.getByRole('tab', { name: 'main.py' }).focus();
  await page.keyboard.press('End');
  const last = page.getByRole('tab', { name: 'module_number_17.py' });
  await expect(last).toHaveAttribute('aria-selected', 'true');
  await expect(last).toBeInViewport({ ratio: 0.9 });
  await button(page, 'Add a file').click();
  await button(page, 'Add').click();
  await expect(page.getByRole('tab')).toHaveCount(20);
  await button(page, '20 files is the limit').press('Enter');
  await expect(page.getByText('20 files is the limit').first()).toBeVisible();
  await expect(page.getByRole('dialog', { name: 'Add a file' })).toBeHidden();
});
