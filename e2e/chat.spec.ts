import { accessibilityFaultsInBoth, ask, expect, freshQuestion, responseComplete, responses, test } from './support.ts';

test.beforeEach(async ({ page }) => {
  await page.goto('/');
});

test('a question gets a response, and the same question again comes from the cache', async ({ page }) => {
  const question = freshQuestion('Say hello in five words.');
  await ask(page, question);
  await responseComplete(page);
  const first = (await responses(page).last().locator('.prose, p').first().innerText()).trim();
  expect(first).not.toBe('');
  await expect(responses(page).last()).toContainText(/\d+ tokens/);
  await expect(responses(page).last()).toContainText('tokens/s');

  await page.getByRole('button', { name: 'New chat' }).first().click();
  await expect(responses(page)).toHaveCount(0);
  await ask(page, question);
  await responseComplete(page);
  await expect(responses(page).last()).toContainText('Cached');
  await expect(responses(page).last()).toContainText(first);
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
});

test('text grows while it streams', async ({ page }) => {
  await ask(page, freshQuestion('Write a very long story about the sea, in twenty paragraphs.'));
  const response = responses(page).last();
  const lengths = new Set<number>();
  const grown = async () => {
    if ((await response.getAttribute('aria-busy')) === 'true') lengths.add((await response.innerText()).length);
    return lengths.size;
  };
  await expect.poll(grown, { intervals: [30] }).toBeGreaterThan(5);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
});

test('stop ends the response here and at the model', async ({ page, request }) => {
  await ask(page, freshQuestion('Write a very long story about the sea, in twenty paragraphs.'));
  await expect(responses(page).last()).toContainText(/\w+/);
  await page.getByRole('button', { name: 'Stop the answer' }).click();
  await expect(responses(page).last()).toContainText('Stopped');
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeVisible();
  await expect.poll(async () => (await (await request.get('/api/chat-queue')).json()).is_processing).toBe(false);
});

test('a waiting question shows its position', async ({ page, request }) => {
  const blocker = await request.post('/api/chat-queue', {
    data: {
      messages: [
        { role: 'user', content: freshQuestion('Write a very long story about the sea, in twenty paragraphs.') },
      ],
    },
  });
  const { request_id: id } = await blocker.json();
  await ask(page, freshQuestion('Say hello in five words.'));
  await expect(responses(page).last()).toContainText(/Queued · (you are next|\d+ ahead of you)/);
  expect((await request.delete(`/api/chat-queue?requestId=${id}`)).status()).toBe(200);
  await responseComplete(page);
  await expect(responses(page).last()).not.toContainText('Queued');
});

test('a waiting question says how far its user is above the share', async ({ page, request }) => {
  const limits = { tokens_per_day: { limit: 1, kind: 'share' } };
  await request.put('/api/admin/limits', { data: { scope: { kind: 'default' }, limits } });
  try {
    await ask(page, freshQuestion('Name a colour.'));
    await responseComplete(page);
    const blocker = await request.post('/api/chat-queue', {
      data: {
        messages: [
          { role: 'user', content: freshQuestion('Write a very long story about the sea, in twenty paragraphs.') },
        ],
      },
    });
    const { request_id: id } = await blocker.json();
    await ask(page, freshQuestion('Name another colour.'));
    await expect(responses(page).last()).toContainText(/Queued · .*You have used [\d,]+ % of today’s share\./);
    await request.delete(`/api/chat-queue?requestId=${id}`);
    await responseComplete(page);
    await expect(responses(page).last()).not.toContainText('share');
  } finally {
    await request.delete('/api/admin/limits?kind=default');
  }
});

test('regenerate writes a new response and keeps the old one', async ({ page }) => {
  await ask(page, freshQuestion('Name a colour.'));
  await responseComplete(page);
  await page.getByRole('button', { name: 'Regenerate' }).click();
  await expect(responses(page).last()).toContainText('2 / 2', { timeout: 90_000 });
  await expect(responses(page).last()).not.toContainText('Cached');
  await page.getByRole('button', { name: 'Previous version' }).click();
  await expect(responses(page).last()).toContainText('1 / 2');
});

test('conversations stay after a reload, and can be deleted', async ({ page }) => {
  const question = freshQuestion('Say hello in five words.');
  await ask(page, question);
  await responseComplete(page);
  await page.reload();
  const history = page.getByRole('complementary', { name: 'Chats' });
  await history.getByRole('link', { name: question, exact: true }).click();
  await expect(page.getByText(question).last()).toBeVisible();
  await expect(responses(page)).toHaveCount(1);
  await history.getByRole('button', { name: `More for ${question}` }).click();
  await page.getByRole('menuitem', { name: /Delete/ }).click();
  await expect(history.getByRole('link', { name: question, exact: true })).toHaveCount(0);
});

test('a draft is kept, Shift+Enter makes a line, and a list of HTML stays text', async ({ page }) => {
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.fill('first');
  await page.keyboard.press('Shift+Enter');
  await box.pressSequentially('second');
  await expect(box).toHaveValue('first\nsecond');
  await page.reload();
  await expect(page.getByRole('textbox', { name: 'Message' })).toHaveValue('first\nsecond');
  await expect(responses(page)).toHaveCount(0);
});

test('the page says that the small built-in model responds, and how to get a better one', async ({ page }) => {
  await expect(page.getByText(/small built-in model/)).toBeVisible();
  await expect(page.getByText(/ollama pull/)).toBeHidden();
  await page.getByText('Details for operators').click();
  await expect(page.getByText(/ollama pull/)).toBeVisible();
});

test('a server that refuses is explained, with one button to try again', async ({ page }) => {
  await page.route('**/api/chat-optimized', (route) =>
    route.fulfill({
      status: 503,
      json: {
        error: '100 requests are already waiting. Try again later.',
        code: 'queue_full',
        data: { queue_length: 100 },
      },
    }),
  );
  await ask(page, freshQuestion('Say hello in five words.'));
  await expect(responses(page).last().getByRole('alert')).toContainText('The queue is full (100 waiting).');
  await page.unroute('**/api/chat-optimized');
  await page.getByRole('button', { name: 'Try again' }).click();
  await responseComplete(page);
  await expect(responses(page).last()).toContainText(/\d+ tokens/);
});

declare global {
  interface Window {
    /** How many scripts the document had at each opening of a database. */
    openings: number[];
  }
}

test('a link to a conversation opens the history with the page, and creates none', async ({ page }) => {
  await page.addInitScript(() => {
    const open = IDBFactory.prototype.open;
    window.openings = [];
    IDBFactory.prototype.open = function (this: IDBFactory, name: string, version?: number) {
      window.openings.push(document.scripts.length);
      return version === undefined ? open.call(this, name) : open.call(this, name, version);
    };
  });
  await page.goto('/?c=nowhere');
  await expect(page.getByRole('heading', { name: 'Chat not found' })).toBeVisible();
  const openings = await page.evaluate(() => window.openings);
  // The first one long before the page's own scripts have run: of the document, hardly any has
  // come.
  expect(openings.length).toBeGreaterThan(1);
  expect(openings[0]).toBeLessThan(openings[1] ?? 0);
  await page
    .getByRole('region', { name: 'Chat', exact: true })
    .getByRole('button', { name: 'New chat' })
    .last()
    .click();
  await page.getByRole('textbox', { name: 'Message' }).fill('Say hello.');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('article', { name: 'Answer' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Regenerate' })).toBeVisible({ timeout: 60_000 });
  await page.reload();
  await expect(page.getByRole('article', { name: 'Question' })).toContainText('Say hello.');
});

test('the first input fetches what a first response needs, and an untouched page does not', async ({ page }) => {
  const scripts: string[] = [];
  page.on('request', (request) => {
    if (request.resourceType() === 'script') scripts.push(request.url());
  });
  await page.goto('/');
  await page.waitForLoadState('networkidle');
  const untouched = scripts.length;
  const field = page.getByRole('textbox', { name: 'Message' });
  await expect(field).toBeFocused();
  // Without a key, as dictation does it.
  await field.fill(freshQuestion('Say hello in five words.'));
  await expect.poll(() => scripts.length).toBeGreaterThan(untouched);
  await noMoreOf(scripts);
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeEnabled();
  const ahead = scripts.length;
  await page.keyboard.press('Enter');
  await responseComplete(page);
  expect(scripts.slice(ahead)).toEqual([]);
});

/** Waits until the list has been the same for a second. What was fetched may fetch more. */
async function noMoreOf(list: readonly unknown[]): Promise<void> {
  for (let length = -1; length !== list.length; ) {
    length = list.length;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
