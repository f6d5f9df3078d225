import type { Locator, Page } from 'playwright/test';
import { expect, saying, test } from './scripted.ts';
import { ask, freshQuestion, responseComplete, responses } from './support.ts';

/**
 * Where the focus goes when something opens, and where it is when that is over: the keyboard never
 * loses its place.
 */

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const holdsFocus = (dialog: Locator) => dialog.evaluate((element) => element.contains(document.activeElement));

/** More steps than any dialog has stops, then back over its beginning. */
async function holds(page: Page, dialog: Locator): Promise<void> {
  await expect(dialog).toBeVisible();
  await expect.poll(() => holdsFocus(dialog)).toBe(true);
  for (const key of [...Array(8).fill('Tab'), ...Array(3).fill('Shift+Tab')]) {
    await page.keyboard.press(key);
    await expect.poll(() => holdsFocus(dialog)).toBe(true);
  }
}

/** Opened by Enter on `opener`, left by Escape. */
async function holdsAndGivesBack(page: Page, opener: Locator, dialog: Locator): Promise<void> {
  await opener.focus();
  await page.keyboard.press('Enter');
  await holds(page, dialog);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(opener).toBeFocused();
}

/** Opens `item` of the menu of `opener` by the keyboard. */
async function chooseIn(page: Page, opener: Locator, item: string): Promise<void> {
  await opener.focus();
  await page.keyboard.press('Enter');
  const entry = page.getByRole('menuitem', { name: item, exact: true });
  await expect(entry).toBeVisible();
  for (let step = 0; step < 8 && !(await holdsFocus(entry)); step++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
}

test('a dialog holds the focus, and gives it back to what opened it', async ({ page }) => {
  await page.goto('/');
  const named = (name: string) => page.getByRole('dialog', { name });
  await expect(page.getByRole('combobox', { name: 'Model' })).toBeVisible();
  await holdsAndGivesBack(page, button(page, 'Command menu'), named('Command menu'));
  await page.getByLabel('Files to attach').setInputFiles('public/icon-192.png');
  await holdsAndGivesBack(page, button(page, 'Show icon-192.png'), named('icon-192.png'));
  await page.setViewportSize({ width: 700, height: 800 });
  await holdsAndGivesBack(page, button(page, 'Chat settings'), named('Chat settings'));
  await page.setViewportSize({ width: 800, height: 800 });
  await holdsAndGivesBack(page, button(page, 'Chats'), named('Chats'));
  await page.goto('/playground');
  await expect(page.getByRole('textbox', { name: 'Program' })).toBeVisible();
  await holdsAndGivesBack(page, button(page, 'Add a file'), named('Add a file'));
  await page.goto('/dashboard');
  await holdsAndGivesBack(page, button(page, 'Load model'), page.getByRole('alertdialog'));
});

test('a menu, a choice and what they open give the focus back', async ({ page }) => {
  await page.goto('/dashboard');
  const clear = button(page, 'Clear cache');
  const question = page.getByRole('alertdialog');
  // Again when its code is there already.
  for (let time = 0; time < 2; time++) {
    await chooseIn(page, clear, 'Response and conversation caches');
    await holds(page, question);
    await page.keyboard.press('Escape');
    await expect(question).toBeHidden();
    await expect(clear).toBeFocused();
  }
  await page.goto('/playground');
  const language = page.getByRole('combobox', { name: 'Language' });
  await expect(page.getByRole('textbox', { name: 'Program' })).toBeVisible();
  for (const key of ['Enter', 'ArrowDown']) {
    await language.focus();
    await page.keyboard.press(key);
    await expect(page.getByRole('listbox')).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(page.getByRole('listbox')).toBeHidden();
    await expect(language).toBeFocused();
  }
});

test('the shortcuts that the commands open lead back to where one was', async ({ page }) => {
  await page.goto('/');
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.focus();
  await page.keyboard.press('ControlOrMeta+k');
  const field = page.getByRole('combobox', { name: 'Search commands and chats' });
  await expect(field).toBeFocused();
  await field.fill('shortcuts');
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await holds(page, sheet);
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await expect(message).toBeFocused();
});

test('renaming, deleting and changing leave the focus where one goes on', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  const [first, second] = [freshQuestion('First'), freshQuestion('Second')];
  await ask(page, first);
  await responseComplete(page);
  const question = page.getByRole('article', { name: 'Question' });
  const change = question.getByRole('button', { name: 'Edit' });
  await change.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'The question' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(change).toBeFocused();
  const message = page.getByRole('textbox', { name: 'Message' });
  await page.keyboard.press('Enter');
  await page.keyboard.type(' changed');
  await page.keyboard.press('Enter');
  await expect(responses(page)).toHaveCount(1);
  await expect(message).toBeFocused();
  await responseComplete(page);

  await button(page, 'New chat').first().click();
  await ask(page, second);
  await responseComplete(page);
  const history = page.getByRole('complementary', { name: 'Chats' });
  const row = history.getByRole('link', { name: second, exact: true });
  const more = history.getByRole('button', { name: `More for ${second}` });
  for (const key of ['Escape', 'Enter']) {
    await chooseIn(page, more, 'Rename');
    await expect(page.getByRole('textbox', { name: 'Chat title' })).toBeFocused();
    await page.keyboard.press(key);
    await expect(row).toBeFocused();
  }
  await chooseIn(page, more, 'Delete');
  await expect(row).toHaveCount(0);
  await expect(message).toBeFocused();
  await chooseIn(page, history.getByRole('button', { name: `More for ${first}` }), 'Delete');
  await expect(history.getByRole('link', { name: first, exact: true })).toHaveCount(0);
  await expect(history.getByRole('searchbox')).toBeFocused();
});

test('a dialog that fades does not take the focus from where it was put meanwhile', async ({ page }) => {
  await page.goto('/');
  const message = page.getByRole('textbox', { name: 'Message' });
  await page.getByLabel('Files to attach').setInputFiles('public/icon-192.png');
  await button(page, 'Show icon-192.png').click();
  const dialog = page.getByRole('dialog', { name: 'icon-192.png' });
  await expect(dialog).toBeVisible();
  await dialog.evaluate((element) => element.style.setProperty('transition-duration', '2s', 'important'));
  await page.keyboard.press('Escape');
  const wasFading = await message.evaluate((field) => {
    field.focus();
    return document.querySelector('[role=dialog]') !== null;
  });
  expect(wasFading).toBe(true);
  await expect(page.locator('[role=dialog]')).toHaveCount(0);
  await expect(message).toBeFocused();
});
