import { type FaultyModelServer, ollama } from '../test/support/faulty-model-server.ts';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

type Sent = { model: string; messages: { role: string; content: string }[] };
const lastSent = (model: FaultyModelServer) => model.requests.at(-1)?.body as Sent;
const cutAtLimit = (...pieces: string[]) => [
  ...pieces.map((piece) => ({ send: ollama.text(piece) })),
  { send: ollama.done('length') },
];

test('the icons of a question are there once a pointer or the focus is in it', async ({ page, model }) => {
  model.choose(() => saying('A short answer.'));
  await page.goto('/');
  for (const turn of [1, 2]) {
    await ask(page, `Question ${turn}`);
    await expect(responses(page)).toHaveCount(turn);
    await responseComplete(page);
  }
  await page.mouse.move(0, 0);
  await page.reload();
  const [first, second] = [0, 1].map((place) => page.getByRole('article', { name: 'Question' }).nth(place));
  if (first === undefined || second === undefined) throw new Error('Two questions are expected.');
  await expect(first.getByRole('button')).toHaveCount(3);
  await expect(first.locator('svg')).toHaveCount(0);
  await first.hover();
  await expect(first.locator('svg')).toHaveCount(3);
  for (const icon of await first.locator('svg').all()) await expect(icon).toBeVisible();
  await expect(second.locator('svg')).toHaveCount(0);
  await second.getByRole('button', { name: 'Edit' }).focus();
  for (const icon of await second.locator('svg').all()) await expect(icon).toBeVisible();
  await expect(second.locator('svg')).toHaveCount(3);
});

test('a turn in the middle of a long chat has all of its buttons', async ({ page, model }) => {
  model.choose(() => saying('A short answer.'));
  await page.goto('/');
  for (let turn = 0; turn < 6; turn++) {
    await ask(page, `Question ${turn}`);
    await expect(responses(page)).toHaveCount(turn + 1);
    await responseComplete(page);
  }
  await page.reload();
  await expect(responses(page)).toHaveCount(6);
  // The title is above the middle of the text, with and without the list of chats.
  const middle = (box: { x: number; width: number } | null) => (box === null ? Number.NaN : box.x + box.width / 2);
  const title = page.getByRole('button', { name: 'Rename chat: Question 0' });
  for (const isShown of [true, false]) {
    await expect(page.getByRole('complementary', { name: 'Chats' })).toHaveCount(isShown ? 1 : 0);
    const text = middle(await responses(page).last().boundingBox());
    expect(Math.abs(middle(await title.boundingBox()) - text)).toBeLessThan(2);
    await page.getByRole('button', { name: 'Chats', exact: true }).click();
  }
  // With one model and one version, a menu would repeat "Regenerate".
  await expect(responses(page).last().getByRole('button', { name: 'Regenerate' })).toBeVisible();
  await expect(responses(page).last().getByRole('button', { name: 'More' })).toHaveCount(0);
  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(size);
    const question = page.getByRole('article', { name: 'Question' }).nth(1);
    await question.scrollIntoViewIfNeeded();
    await question.hover();
    for (const name of ['Edit', 'Copy', 'More for this question']) {
      const button = question.getByRole('button', { name });
      const box = await button.boundingBox();
      expect(box?.height).toBeGreaterThanOrEqual(32);
      // The lowest pixel row belongs to the button, so nothing clips it.
      const isHit = await button.evaluate((element) => {
        const { left, width, bottom } = element.getBoundingClientRect();
        return element.contains(document.elementFromPoint(left + width / 2, bottom - 2));
      });
      expect(isHit, `${name} at ${size.width}`).toBe(true);
    }
  }
  // The time stands next to the buttons.
  const time = page.getByRole('article', { name: 'Question' }).nth(1).locator('time');
  await expect(time).toBeVisible();
  expect(Date.parse((await time.getAttribute('datetime')) ?? '')).toBeGreaterThan(Date.now() - 600_000);
  expect(await time.textContent()).toMatch(/^\d\d:\d\d$/);

  // Deleting a pair keeps what follows; undo brings it back, also after a reload.
  const second = page.getByRole('article', { name: 'Question' }).nth(1);
  await second.getByRole('button', { name: 'More for this question' }).click();
  await page.getByRole('menuitem', { name: 'Delete question and answer' }).click();
  await expect(page.getByText('Question 1', { exact: true })).toHaveCount(0);
  await expect(responses(page)).toHaveCount(5);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('Question 1', { exact: true })).toBeVisible();
  await expect(responses(page)).toHaveCount(6);
  await second.getByRole('button', { name: 'More for this question' }).click();
  await page.getByRole('menuitem', { name: 'Delete from here on' }).click();
  await expect(responses(page)).toHaveCount(1);
  await page.reload();
  await expect(responses(page)).toHaveCount(1);
  await ask(page, 'Next');
  await responseComplete(page);
  expect(lastSent(model).messages.map(({ content }) => content)).toEqual(['Question 0', 'A short answer.', 'Next']);
});

test('a response that reached the token limit goes on in the same message', async ({ page, model }) => {
  model.play(cutAtLimit('One, two, '), saying('three, ', 'four.'));
  await page.goto('/');
  const question = freshQuestion('Count');
  await ask(page, question);
  await responseComplete(page);
  const last = responses(page).last();
  await expect(last).toContainText('Reached the token limit');
  expect(await accessibilityFaults(page)).toEqual([]);
  await last.getByRole('button', { name: 'Continue' }).click();
  await expect(last).toContainText('three, four.');
  await responseComplete(page);
  expect((await last.locator('.prose').innerText()).trim()).toBe('One, two, three, four.');
  await expect(last).not.toContainText('Reached the token limit');
  await expect(last).not.toContainText('2 / 2');
  expect(lastSent(model).messages.slice(0, 2)).toEqual([
    { role: 'user', content: question },
    { role: 'assistant', content: 'One, two, ' },
  ]);
  await page.reload();
  await expect(responses(page).last()).toContainText('One, two, three, four.');
});

test('the dot of a response rests while text arrives, and moves while none does', async ({ page, model }) => {
  const text = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  model.play([{ wait: text.promise }, { send: ollama.text('One.') }, { wait: end.promise }, { send: ollama.done() }]);
  await page.goto('/');
  await ask(page, freshQuestion('Say one word.'));
  /** An animation that waits for its delay has no progress. */
  const moves = () =>
    responses(page)
      .last()
      .evaluate((turn) =>
        turn.getAnimations({ subtree: true }).some(({ effect }) => effect?.getComputedTiming().progress != null),
      );
  await expect.poll(moves).toBe(true);
  text.resolve();
  await expect(responses(page).last()).toContainText('One.');
  expect(await moves()).toBe(false);
  await expect.poll(moves).toBe(true);
  end.resolve();
  await responseComplete(page);
});

test('a refused request is counted down and repeated once, in the same place', async ({ page, model }) => {
  model.choose(() => saying('Here it is.'));
  await page.goto('/');
  let refusals = 0;
  await page.route('**/api/chat-optimized', async (route) => {
    refusals += 1;
    if (refusals > 2) return await route.fallback();
    await route.fulfill({
      status: 429,
      headers: { 'retry-after': '3' },
      json: { error: 'At most 6 chat requests a minute. Try again in 3 s.', code: 'rate_limited' },
    });
  });
  await ask(page, freshQuestion('Fast'));
  const notice = responses(page).last().getByRole('alert');
  await expect(notice).toContainText(/Retrying in \d s/);
  expect(await accessibilityFaults(page)).toEqual([]);
  // The second attempt is refused, too: from here on only the reader asks again.
  await expect.poll(() => refusals).toBe(2);
  await expect(notice.getByRole('button', { name: /^Try again in/ })).toBeDisabled();
  await notice.getByRole('button', { name: 'Try again', exact: true }).click();
  await expect(responses(page).last()).toContainText('Here it is.');
  await responseComplete(page);
  await expect(responses(page)).toHaveCount(1);
  await expect(responses(page).last()).not.toContainText(/\d \/ \d/);
});

test('a countdown is cancelled by its button', async ({ page }) => {
  await page.goto('/');
  let asked = 0;
  await page.route('**/api/chat-optimized', async (route) => {
    asked += 1;
    const json = { error: 'The queue is full.', code: 'queue_full' };
    await route.fulfill({ status: 503, headers: { 'retry-after': '2' }, json });
  });
  await ask(page, freshQuestion('Full'));
  const notice = responses(page).last().getByRole('alert');
  await notice.getByRole('button', { name: 'Cancel' }).click();
  await expect(notice.getByRole('button', { name: 'Try again', exact: true })).toBeEnabled();
  expect(asked).toBe(1);
});

test('what the operator cancels says so, and can be asked again', async ({ page, model, request }) => {
  model.play([{ send: ollama.text('Half') }, 'hang'], saying('Whole.'));
  await page.goto('/');
  await ask(page, freshQuestion('Long'));
  const last = responses(page).last();
  await expect(last).toContainText('Half');
  const { processing } = await (await request.get('/api/chat-queue')).json();
  await request.delete(`/api/chat-queue?requestId=${processing[0].request_id}&cancelled_by=operator`);
  await expect(last).toContainText('Cancelled by the operator.');
  // The model and what came until then are named.
  await expect(last).toContainText(/test(:latest)? · about 1 token/);
  await last.getByRole('button', { name: 'Regenerate' }).first().click();
  await expect(responses(page).last()).toContainText('Whole.');
});

test('a response is regenerated with another model, which the chat does not keep', async ({ page, model }) => {
  const names = ['test:latest', 'other:latest'];
  const listed = names.map((name) => ({ name, model: name, digest: name, size: 1, details: {} }));
  model.setResponse('/api/tags', { models: listed });
  try {
    model.choose((body) => saying(`From ${(body as Sent).model}`));
    await page.goto('/');
    await ask(page, freshQuestion('Who'));
    await responseComplete(page);
    await responses(page).last().getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Regenerate with other:latest' }).click();
    await expect(responses(page).last()).toContainText('From other:latest');
    await responseComplete(page);
    await expect(responses(page).last()).toContainText('2 / 2');
    await ask(page, freshQuestion('And now'));
    await expect(responses(page)).toHaveCount(2);
    await responseComplete(page);
    await expect(responses(page).last()).toContainText(/From test/);
    // One version is deleted; the other is shown.
    await responses(page).first().getByRole('button', { name: 'Previous version' }).click();
    await responses(page).last().getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Delete this version' }).click();
    await expect(responses(page).first()).toContainText('From other:latest');
    await expect(responses(page).first()).not.toContainText('/ 2');
  } finally {
    model.setResponse('/api/tags', undefined);
  }
});

test('a lost connection is named while it is opened again', async ({ page, context, model }) => {
  const back = Promise.withResolvers<void>();
  model.play([
    { send: ollama.text('Before') },
    { wait: back.promise },
    { send: ollama.text(' after') },
    { send: ollama.done() },
  ]);
  await page.goto('/');
  await ask(page, freshQuestion('Net'));
  const last = responses(page).last();
  await expect(last).toContainText('Before');
  await context.setOffline(true);
  await expect(last).toContainText('Connection lost. Reconnecting…');
  await expect(page.getByRole('status').filter({ hasText: 'Reconnecting' })).toHaveCount(1);
  await expect(last).toContainText('Before');
  await context.setOffline(false);
  back.resolve();
  await expect(last).toContainText('Before after');
  await responseComplete(page);
  await expect(last).not.toContainText('Reconnecting');
});

test('formulas are copied as TeX, long cells break, fences in questions are code', async ({ page, model, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const long = 'x'.repeat(120);
  model.play(
    saying(
      `Sorting takes $O(n\\log n)$ steps:\n\n$$\\sum_{i=1}^n i$$\n\n| a | b | c |\n|-|-|-|\n| ${long} | two | three |\n\n`,
      '| d | What it does | f | g |\n|-|-|-|-|\n| one | A sentence that is as long as those of real tables | 3 | Another such sentence, which is not any shorter |\n\n',
      '```json\n{"a": 1}\n```\n\n```yml\na: 1\n```\n',
    ),
  );
  await page.goto('/');
  const lines = Array.from({ length: 40 }, (_, index) => `line ${index}`).join('\n');
  await page.getByRole('textbox', { name: 'Message' }).fill(`Explain this:\n\n\`\`\`py\n${lines}\n\`\`\`\n\nThanks`);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await responseComplete(page);
  const last = responses(page).last();
  await expect(last.locator('.katex')).toHaveCount(2);
  await last.locator('.prose').evaluate((prose) => document.getSelection()?.selectAllChildren(prose));
  await page.keyboard.press('Control+c');
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain('Sorting takes $O(n\\log n)$ steps:');
  expect(copied).toContain('\n$$\\sum_{i=1}^n i$$\n');
  expect(copied.match(/log n/g)).toHaveLength(1);
  const [cell, next] = await last
    .locator('tbody td')
    .evaluateAll((cells) =>
      cells.map((one) => ({ isWide: one.scrollWidth > one.clientWidth, left: one.getBoundingClientRect().left })),
    );
  expect([cell?.isWide, next?.isWide]).toEqual([false, false]);
  // On a phone a table keeps its columns readable, and scrolls by itself.
  await page.setViewportSize({ width: 390, height: 844 });
  const frame = last.locator('.table-frame').nth(1);
  const [, sentence] = await frame.locator('tbody td').evaluateAll((cells) => cells.map((one) => one.clientWidth));
  expect(sentence).toBeGreaterThan(160);
  expect(await frame.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeGreaterThan(0);
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  await expect(last.getByText('JSON', { exact: true })).toBeVisible();
  await expect(last.getByText('YAML', { exact: true })).toBeVisible();
  await page.setViewportSize({ width: 1280, height: 720 });
  const question = page.getByRole('article', { name: 'Question' });
  const code = question.getByRole('group', { name: 'Code' });
  await expect(question).not.toContainText('```');
  expect(await code.evaluate((element) => getComputedStyle(element).fontFamily)).toContain('Mono');
  const folded = (await code.boundingBox())?.height ?? 0;
  await question.getByRole('button', { name: 'Show all 40 lines' }).click();
  expect((await code.boundingBox())?.height ?? 0).toBeGreaterThan(folded * 2);
  expect(await accessibilityFaults(page)).toEqual([]);
});

test('a conversation is printed whole, without what is pressed', async ({ page, model }) => {
  const program = `print("${'wide '.repeat(60)}")`;
  model.choose(() => saying(`Text.\n\n\`\`\`python\n${program}\n\`\`\`\n\n${'A paragraph of text. '.repeat(60)}`));
  await page.goto('/');
  for (let turn = 1; turn <= 5; turn++) {
    await ask(page, freshQuestion(`Question ${turn}`));
    await expect(responses(page)).toHaveCount(turn);
    await responseComplete(page);
  }
  await page.emulateMedia({ media: 'print' });
  const sheet = await page.evaluate(() => {
    const turns = [...document.querySelectorAll('article')].map((turn) => turn.getBoundingClientRect().height);
    const isShown = (selector: string) =>
      [...document.querySelectorAll(selector)].some((element) => element.getClientRects().length > 0);
    return {
      page: document.documentElement.scrollHeight,
      turns: turns.reduce((sum, height) => sum + height, 0),
      least: Math.min(...turns),
      pressed: isShown('section[data-chat] textarea, article button, aside'),
      wideCode: [...document.querySelectorAll('article pre')].some((code) => code.scrollWidth > code.clientWidth + 1),
    };
  });
  expect(sheet.turns).toBeGreaterThan(1_500);
  expect(sheet.page).toBeGreaterThan(sheet.turns);
  expect(sheet.least).toBeGreaterThan(20);
  expect(sheet.pressed).toBe(false);
  expect(sheet.wideCode).toBe(false);
});

test('a diagram has the house font, opens large and is downloaded', async ({ page, model }) => {
  model.play(saying('```mermaid\nflowchart LR\n  A[Start] --> B{Is it done?}\n  B -->|yes| C[End]\n```\n'));
  await page.goto('/');
  await ask(page, freshQuestion('Diagram'));
  const response = responses(page).last();
  const image = response.getByRole('img', { name: /^Diagram/ });
  await expect(image).toBeVisible();
  const svg = decodeURIComponent((await image.getAttribute('src')) ?? '');
  expect(svg).toContain('font-family:Geist');
  expect(svg).toContain('@font-face');
  expect(svg).not.toContain('filter:drop-shadow');
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    response.getByRole('button', { name: 'Download SVG' }).click(),
  ]);
  expect(file.suggestedFilename()).toBe('diagram.svg');
  const small = (await image.boundingBox())?.width ?? 0;
  await response.getByRole('button', { name: 'Enlarge' }).click();
  const large = page.getByRole('dialog').getByRole('img');
  await expect(large).toBeVisible();
  expect((await large.boundingBox())?.width ?? 0).toBeGreaterThan(small);
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
});

test('a runaway response leaves the page usable, and is there as a whole', async ({ page, model }) => {
  const lines = Array.from({ length: 100_000 }, (_, index) => `line ${index}\n`).join('');
  for (const text of ['x'.repeat(2_000_000), lines]) {
    const pieces = text.match(/[\s\S]{1,65536}/g) ?? [];
    const goesOn = Promise.withResolvers<void>();
    const [last = '', ...others] = pieces.toReversed();
    model.play([
      ...others.toReversed().map((piece) => ({ send: ollama.text(piece) })),
      { wait: goesOn.promise },
      { send: ollama.text(last) },
      { send: ollama.done() },
    ]);
    await page.goto('/');
    await ask(page, freshQuestion('Write without an end'));
    // The text streams, and a click works.
    await expect(page.getByText('This answer is too long to format.')).toBeVisible();
    await page.getByRole('button', { name: 'Chats', exact: true }).click();
    await page.getByRole('button', { name: 'Chats', exact: true }).click();
    goesOn.resolve();
    await responseComplete(page);
    for (const when of ['at its end', 'after a reload']) {
      const response = responses(page).last();
      await expect(response.getByRole('button', { name: 'Download' }), when).toBeVisible();
      const shown = await response.locator('.prose').evaluate((prose) => ({
        letters: [...prose.querySelectorAll('p, [data-rest]')].reduce((sum, { textContent }) => {
          return sum + (textContent ?? '').replaceAll(/\s/g, '').length;
        }, 0),
        elements: prose.querySelectorAll('*').length,
      }));
      expect(shown.letters, when).toBeGreaterThanOrEqual(text.replaceAll(/\s/g, '').length);
      expect(shown.elements, when).toBeLessThan(1_500);
      if (when === 'at its end') await page.reload();
    }
  }
});
