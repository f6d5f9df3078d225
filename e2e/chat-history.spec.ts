import type { Page } from 'playwright/test';
import { exported, importChats } from './imported-chats.ts';
import { expect, ollama, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

const list = (page: Page) => page.getByRole('complementary', { name: 'Chats' });
const row = (page: Page, title: string) => list(page).getByRole('link', { name: title });
const long = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    index % 2 === 0 ? `Question ${index}` : `Response ${index}. ${'Words that fill the line. '.repeat(40)}`,
  );

/** Makes the tab hidden or visible, which a browser without a window never is by itself. */
async function setVisible(page: Page, isVisible: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
      document.dispatchEvent(new Event('visibilitychange'));
    },
    isVisible ? 'visible' : 'hidden',
  );
}

/** The distance from the top of the scrolling area to the top of a message, in pixels. */
async function topOf(page: Page, messageId: string): Promise<number> {
  return page.evaluate((id) => {
    const turn = document.querySelector(`[data-message="${id}"]`);
    const view = turn?.closest('.scroller')?.getBoundingClientRect();
    return turn === null || view === undefined ? Number.NaN : turn.getBoundingClientRect().top - view.top;
  }, messageId);
}

test('the title names the chat and marks a running response, in the tab and in the bar', async ({ page, model }) => {
  const half = Promise.withResolvers<void>();
  model.play([{ send: ollama.text('Half') }, { wait: half.promise }, { send: ollama.done() }]);
  await page.goto('/');
  await expect(page).toHaveTitle('Chill Space');
  const title = freshQuestion('Title');
  await ask(page, title);
  await expect(page).toHaveTitle(`● ${title} · Chill Space`);
  await page.getByRole('link', { name: 'Playground' }).click();
  await expect(page).toHaveTitle('Playground · Chill Space');
  await setVisible(page, false);
  half.resolve();
  await expect(page).toHaveTitle('✓ Playground · Chill Space');
  await setVisible(page, true);
  await expect(page).toHaveTitle('Playground · Chill Space');
  await page.goBack();
  await expect(page).toHaveTitle(`${title} · Chill Space`);
  const inBar = page.getByRole('button', { name: `Rename chat: ${title}` });
  await inBar.click();
  await page.getByRole('textbox', { name: 'Chat title' }).fill('not this');
  await page.keyboard.press('Escape');
  await expect(inBar).toBeFocused();
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'Chat title' }).fill('Login test');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: 'Rename chat: Login test' })).toBeFocused();
  await expect(page).toHaveTitle('Login test · Chill Space');
  await expect(row(page, 'Login test')).toBeVisible();
});

test('a row is a link: a plain click stays in the page, others open a tab', async ({ page, context }) => {
  await importChats(page, [
    { title: 'First', texts: ['a', 'b'] },
    { title: 'Second', texts: ['c', 'd'] },
  ]);
  await page.evaluate(() => Object.assign(window, { isSamePage: true }));
  await expect(row(page, 'Second')).toHaveAttribute('href', '/?c=seed-1');
  await row(page, 'Second').click();
  await expect(page).toHaveURL(/\/\?c=seed-1$/);
  await expect(row(page, 'Second')).toHaveAttribute('aria-current', 'page');
  expect(await page.evaluate(() => Reflect.get(window, 'isSamePage'))).toBe(true);
  const [tab] = await Promise.all([context.waitForEvent('page'), row(page, 'First').click({ button: 'middle' })]);
  await expect(tab.getByRole('article', { name: 'Question' })).toContainText('a');
  await tab.close();
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await list(page).getByRole('button', { name: 'More for First' }).click();
  await page.getByRole('menuitem', { name: 'Copy link' }).click();
  await expect(page.getByText('Link copied.')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/\/\?c=seed-0$/);
});

test.describe('a stored chat that no page can show', () => {
  test.use({ expectedErrors: /Invalid time value/ });

  test('leaves a way to a new chat', async ({ page }) => {
    await importChats(page, [{ title: 'Damaged', texts: ['a', 'b'] }]);
    await page.evaluate(breakResponse, 'seed-0-1');
    await page.goto('/?c=seed-0');
    await expect(page.getByRole('heading', { name: 'Something went wrong' })).toBeVisible();
    await page.getByRole('main').getByRole('link', { name: 'Go to the chat' }).click();
    await expect(page).toHaveURL(/\/$/);
    await expect(page.getByRole('textbox', { name: 'Message' })).toBeVisible();
  });
});

/** Runs in the page: gives a stored message a time that no date has. */
async function breakResponse(id: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const opening = indexedDB.open('chill-space');
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const transaction = opening.result.transaction('messages', 'readwrite');
    const store = transaction.objectStore('messages');
    const reading = store.get(id);
    reading.onsuccess = () => store.put({ ...reading.result, createdAt: 1e300 });
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
  };
  await promise;
}

test('a response in another chat is marked in all tabs while it runs and until it is seen', async ({
  page,
  context,
  model,
}) => {
  const half = Promise.withResolvers<void>();
  model.play([{ send: ollama.text('Half') }, { wait: half.promise }, { send: ollama.done() }]);
  await page.goto('/');
  const title = freshQuestion('Elsewhere');
  await ask(page, title);
  await expect(responses(page).last()).toContainText('Half');
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await expect(row(page, title)).toContainText('Answering');
  const second = await context.newPage();
  await second.goto('/');
  await expect(row(second, title)).toContainText('Answering');
  // After a reload the response has its reader again, although its chat is not open.
  await page.goto('/');
  await expect(row(page, title)).toContainText('Answering');
  half.resolve();
  await expect(row(page, title)).toContainText('New answer');
  await expect(row(second, title)).toContainText('New answer');
  expect(await accessibilityFaults(page)).toEqual([]);
  await row(second, title).click();
  await expect(row(second, title)).not.toContainText('New answer');
  await expect(row(page, title)).not.toContainText('New answer');
});

test('a queued response notifies a hidden tab after the reader asked for it', async ({ page, request, model }) => {
  await page.addInitScript(() => {
    const shown: string[] = [];
    Object.assign(window, { shown, asked: 0 });
    class FakeNotification {
      static permission = 'default';
      static async requestPermission() {
        Reflect.set(window, 'asked', Reflect.get(window, 'asked') + 1);
        FakeNotification.permission = 'granted';
        return 'granted';
      }
      constructor(heading: string, options: { body: string }) {
        shown.push(`${heading}: ${options.body}`);
      }
      close() {}
    }
    Object.assign(window, { Notification: FakeNotification });
  });
  const free = Promise.withResolvers<void>();
  model.choose(() => [{ wait: free.promise }, { send: ollama.text('Now') }, { send: ollama.done() }]);
  const others = Array.from({ length: 4 }, (_, index) =>
    request.post('/api/chat-optimized', {
      data: { messages: [{ role: 'user', content: freshQuestion(`Busy ${index}`) }], stream: true },
    }),
  );
  await page.goto('/');
  const title = freshQuestion('Queued');
  await ask(page, title);
  const offer = page.getByRole('button', { name: 'Notify me' });
  await expect(offer).toBeVisible();
  expect(await accessibilityFaults(page)).toEqual([]);
  expect(await page.evaluate(() => Reflect.get(window, 'asked'))).toBe(0);
  await offer.click();
  await expect(offer).toBeHidden();
  await setVisible(page, false);
  free.resolve();
  await expect(page).toHaveTitle(`✓ ${title} · Chill Space`);
  expect(await page.evaluate(() => Reflect.get(window, 'shown'))).toEqual([`Answer ready: ${title}`]);
  await setVisible(page, true);
  await expect(page).toHaveTitle(`${title} · Chill Space`);
  await Promise.all(others);
});

test('search keeps the list until it is done, shows the line, and opens the chat there', async ({ page }) => {
  const filler = 'Nothing of interest. '.repeat(60);
  const chats = Array.from({ length: 400 }, (_, index) => ({
    title: `Chat ${index}`,
    texts: [`Ask ${index}`, filler, 'More', filler],
  }));
  const texts = long(60);
  texts[11] = `${filler}\n\nAt last the **zeppelin** lands here.\n\n${filler}`;
  await importChats(page, [...chats, { title: 'Airships', texts }]);
  await page.evaluate(() => {
    const seen = new Set<string>();
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const text = document.querySelector('aside')?.textContent ?? '';
      for (const sentence of ['No chats match', 'Searching…']) if (text.includes(sentence)) seen.add(sentence);
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  const search = list(page).getByRole('searchbox');
  await search.pressSequentially('zeppelin');
  await expect(list(page).getByRole('link')).toHaveCount(1);
  await expect(row(page, 'Airships').locator('mark')).toHaveText('zeppelin');
  expect(await page.evaluate(() => [...(Reflect.get(window, 'seen') as Set<string>)])).toEqual(['Searching…']);
  expect(await accessibilityFaults(page)).toEqual([]);
  await row(page, 'Airships').click();
  const hit = page.getByText('zeppelin', { exact: true }).last();
  await expect(hit).toBeInViewport();
  expect(await page.evaluate(() => CSS.highlights.get('search-hit')?.size)).toBe(1);
  // In a new tab the address leads there, once.
  const address = (await row(page, 'Airships').getAttribute('href')) ?? '';
  await page.goto('/');
  await page.goto(address);
  await expect(hit).toBeInViewport();
  await expect(page).toHaveURL(/\?c=seed-400$/);
  await search.fill('zzz nothing');
  await expect(list(page).getByText('No chats match “zzz nothing”')).toBeVisible();
  await list(page).getByRole('button', { name: 'Clear search' }).click();
  await expect(search).toBeFocused();
  await expect(search).toHaveValue('');
  await expect(row(page, 'Chat 399')).toBeAttached();
});

test('a chat opens where it was read; the list of questions jumps', async ({ page }) => {
  await importChats(page, [
    { title: 'Long', texts: long(80) },
    { title: 'Short', texts: ['hi', 'ho'] },
  ]);
  await row(page, 'Long').click();
  await expect(page.getByText('Question 78')).toBeInViewport();
  const questions = page.getByRole('button', { name: 'Questions in this chat' });
  await questions.focus();
  await page.keyboard.press('Enter');
  const entry = (name: string) => page.getByRole('menuitem', { name, exact: true });
  await expect(entry('Question 78')).toHaveAttribute('aria-current', 'true');
  await expect(page.getByRole('menuitem')).toHaveCount(40);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press('Home');
  for (let step = 0; step < 15; step++) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => topOf(page, 'seed-0-30')).toBeCloseTo(12, -1);
  await expect(questions).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(entry('Question 30')).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('Escape');
  await page.getByText('Question 30', { exact: true }).last().hover();
  await page.mouse.wheel(0, 40);
  await expect.poll(() => topOf(page, 'seed-0-30')).toBeCloseTo(-28, -1);

  await row(page, 'Short').click();
  await expect(page.getByText('ho', { exact: true })).toBeVisible();
  await expect(questions).toHaveCount(0);
  await page.goBack();
  await expect.poll(() => topOf(page, 'seed-0-30')).toBeCloseTo(-28, -1);
  await page.reload();
  await expect.poll(() => topOf(page, 'seed-0-30')).toBeCloseTo(-28, -1);
  await page.getByRole('button', { name: 'Jump to latest' }).click();
  await expect(page.getByText('Question 78')).toBeInViewport();
  await row(page, 'Short').click();
  await row(page, 'Long').click();
  await expect(page.getByText('Question 78')).toBeInViewport();
});

test('a deleted chat comes back whole with Undo, and only deleting all asks', async ({ page }) => {
  await importChats(page, [
    { title: 'Dear', texts: ['one', 'two'] },
    { title: 'Other', texts: ['three', 'four'] },
  ]);
  await row(page, 'Dear').click();
  const message = page.getByRole('textbox', { name: 'Message' });
  await message.fill('half a thought');
  await list(page).getByRole('button', { name: 'More for Dear' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(row(page, 'Dear')).toHaveCount(0);
  await expect(page.getByText('“Dear” deleted')).toBeVisible();
  await expect(message).toHaveValue('');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(row(page, 'Dear')).toHaveAttribute('aria-current', 'page');
  await expect(message).toHaveValue('half a thought');
  await page.reload();
  await expect(page.getByRole('article', { name: 'Answer' })).toContainText('two');
  await expect(message).toHaveValue('half a thought');
  await list(page).getByRole('button', { name: 'Manage chats' }).click();
  await page.getByRole('menuitem', { name: 'Delete all chats' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete all chats?' });
  await expect(question).toContainText('2 chats are removed');
  await question.getByRole('button', { name: 'Delete all chats' }).click();
  await expect(list(page).getByText('No chats yet.')).toBeVisible();
  await page.reload();
  await expect(list(page).getByText('No chats yet.')).toBeVisible();
});

test('the command menu stays in place, lists what the page can do, and finds text in chats', async ({
  page,
  model,
}) => {
  model.play(saying('Yes.'), saying('Once more.'));
  await importChats(page, [
    { title: 'Baking', texts: ['How long?', 'Leave the sourdough for an hour.'] },
    { title: 'Sailing', texts: ['Where to?', 'Along the coast.'] },
  ]);
  const title = freshQuestion('Palette');
  await ask(page, title);
  await responseComplete(page);
  const message = page.getByRole('textbox', { name: 'Message' });
  const field = page.getByRole('combobox', { name: 'Search commands and chats' });
  const menu = page.getByRole('dialog', { name: 'Command menu' });
  const open = async (text: string) => {
    await page.keyboard.press('ControlOrMeta+k');
    await expect(field).toBeFocused();
    await field.fill(text);
  };
  // The focus was nowhere.
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  await open('');
  expect(await accessibilityFaults(page)).toEqual([]);
  const top = (await menu.boundingBox())?.y;
  expect(top).toBeCloseTo((page.viewportSize()?.height ?? 0) * 0.15, -1);
  for (const name of [
    ...['New chat', 'Switch model…', 'Regenerate', 'Toggle chat list', 'Chat settings', 'Rename chat', 'Playground'],
    ...['Dashboard', 'Gateway', 'API reference', 'Export all chats', 'Import chats', 'Theme: Dark'],
  ])
    await expect(
      page.getByRole('option', { name, exact: true }).or(page.getByRole('option', { name })).first(),
    ).toBeAttached();
  await field.fill('zzz nothing');
  await expect(menu.getByText('No results')).toBeVisible();
  expect((await menu.boundingBox())?.y).toBe(top);
  await page.keyboard.press('Escape');
  await expect(message).toBeFocused();

  await open('sourdough');
  const found = page.getByRole('option', { name: /Baking/ });
  await expect(found.locator('mark')).toHaveText('sourdough');
  await page.keyboard.press('Enter');
  await expect(responses(page).getByText('Leave the sourdough')).toBeInViewport();
  await expect(page).toHaveURL(/c=seed-0$/);
  await page.goBack();

  await open('toggle');
  await page.keyboard.press('Enter');
  await expect(list(page)).toBeHidden();
  await open('toggle');
  await page.keyboard.press('Enter');
  await expect(list(page)).toBeVisible();
  await open('rename');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('textbox', { name: 'Chat title' })).toBeFocused();
  await page.keyboard.press('Escape');
  await open('regen');
  await page.keyboard.press('Enter');
  await expect(responses(page).last()).toContainText('Once more.');
  await open('switch');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('combobox', { name: 'Search models' })).toBeFocused();
  await expect(page.getByRole('option', { name: /^Model: test/ })).toContainText('In use');
  await page.keyboard.press('Enter');
  await expect(menu).toBeHidden();
  await open('');
  await expect(page.getByRole('option').first()).toHaveText(/Switch model/);
});

test('a phone deletes in the drawer and undoes it there', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
  const page = await context.newPage();
  await page.goto(`${baseURL}/`);
  await page.waitForLoadState('networkidle');
  await page.getByRole('button', { name: 'Chats', exact: true }).tap();
  const drawer = page.getByRole('dialog', { name: 'Chats' });
  await drawer
    .getByLabel('Chats to import')
    .setInputFiles(exported([{ title: `Pocket ${'W'.repeat(10_000)}`, texts: ['a', 'b'] }]));
  const link = drawer.getByRole('link', { name: /^Pocket/ });
  await expect(link).toBeVisible();
  await drawer.getByRole('button', { name: /^More for Pocket/ }).tap();
  await page.getByRole('menuitem', { name: 'Delete' }).tap();
  await expect(link).toHaveCount(0);
  // A long title leaves it in view.
  await expect(page.getByRole('button', { name: 'Undo' })).toBeInViewport();
  await page.getByRole('button', { name: 'Undo' }).tap();
  await expect(link).toBeVisible();
  await context.close();
});
