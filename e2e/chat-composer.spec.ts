import type { Locator, Page } from 'playwright/test';
import type { FaultyModelServer } from '../test/support/faulty-model-server.ts';
import { expect, ollama, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

/** The composer: long pastes, text files, waiting messages, drafts of tabs, the first focus. */

interface Sent {
  messages: { role: string; content: string }[];
}

function lastSent(model: FaultyModelServer): string | undefined {
  const body = model.requests.at(-1)?.body as Sent | undefined;
  return body?.messages.at(-1)?.content;
}
const box = (page: Page) => page.getByRole('textbox', { name: 'Message' });
const button = (page: Page | Locator, name: string | RegExp) => page.getByRole('button', { name });
const waiting = (page: Page) => page.getByRole('region', { name: 'Waiting messages' });

async function paste(page: Page, text: string): Promise<void> {
  await box(page).evaluate((field: HTMLTextAreaElement, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', pasted);
    field.focus();
    const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
    // As the browser does unless the page handles the event.
    if (field.dispatchEvent(event)) document.execCommand('insertText', false, pasted);
  }, text);
}

/** A response whose end the test decides. */
function heldResponse(model: FaultyModelServer, ...after: string[]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const script = [{ send: ollama.text('Begun.') }, { wait: promise }, { send: ollama.done() }];
  model.play(script, ...after.map((text) => saying(text)));
  return resolve;
}

const log = (lines: number) =>
  Array.from({ length: lines }, (_, line) => `2026-11-29T09:51:41Z INFO worker ${line} ended with status ${line % 7} `)
    .map((line) => line.padEnd(91, '.'))
    .join('\n');

test('a long paste becomes an attachment that opens, moves into the message, is removed and is sent', async ({
  page,
  model,
}) => {
  model.play(saying('A log.'));
  await page.goto('/');
  await expect(box(page)).toBeFocused();
  await page.keyboard.type('Why?');
  await paste(page, 'short');
  await expect(box(page)).toHaveValue('Why?short');
  const pasted = log(100);
  await paste(page, pasted);
  const chip = button(page, 'Open Pasted text (100 lines · 9 KB)');
  await expect(chip).toBeVisible();
  await expect(box(page)).toHaveValue('Why?short');
  await chip.click();
  const dialog = page.getByRole('dialog', { name: 'Pasted text' });
  await expect(dialog).toContainText('worker 99 ended');
  expect(await accessibilityFaults(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(chip).toBeFocused();

  await button(page, 'Move into the message: Pasted text').click();
  await expect(chip).toHaveCount(0);
  await expect(box(page)).toHaveValue(`Why?short\n${pasted}`);
  const height = await box(page).evaluate((field) => field.getBoundingClientRect().height);
  expect(height).toBeLessThan(0.45 * (page.viewportSize()?.height ?? 0));
  await box(page).fill('');
  await paste(page, pasted);
  await paste(page, log(101));
  await expect(button(page, /^Open Pasted text/)).toHaveCount(2);
  await button(page, 'Remove Pasted text 2').click();
  await expect(box(page)).toBeFocused();
  await page.reload();
  await expect(button(page, /^Open Pasted text/)).toHaveCount(1);
  await button(page, 'Send').click();
  await responseComplete(page);
  expect(lastSent(model)).toBe(`Pasted text:\n\`\`\`\n${pasted}\n\`\`\``);
  await expect(page.getByRole('heading', { name: 'worker 0 ended with status 0' })).toBeAttached();
  await expect(page.getByRole('article', { name: 'Question' })).toContainText('Pasted text100 lines · 9 KB');
  await expect(button(page, /^(Remove|Move into)/)).toHaveCount(0);
});

test('20,000 pasted lines do not block the page, and are refused with size and limit before they are sent', async ({
  page,
  model,
}) => {
  await page.goto('/');
  const text = log(20_000);
  const begun = Date.now();
  await paste(page, text);
  const chip = button(page, 'Open Pasted text (20,000 lines · 1.8 MB)');
  await expect(chip).toBeVisible();
  const notice = page.getByRole('alert').filter({ hasText: 'Your message is too long (1.8 MB; the limit is 1 MB).' });
  await expect(notice).toBeVisible();
  await box(page).pressSequentially('What is wrong?');
  await chip.click();
  await expect(page.getByRole('dialog', { name: 'Pasted text' })).toContainText('worker 0 ended');
  await page.keyboard.press('Escape');
  // It took half a minute when the field held the text.
  expect(Date.now() - begun).toBeLessThan(15_000);
  await button(page, 'Dismiss').click();
  const before = model.requests.length;
  await button(page, 'Send').click();
  await expect(notice).toBeVisible();
  await expect(box(page)).toHaveValue('What is wrong?');
  await expect(chip).toBeVisible();
  expect(model.requests.length).toBe(before);
  await expect(button(page, 'Move into the message')).toHaveCount(0);
});

test('text files are chosen, dropped and pasted, stay with the question, and are sent again with an edit', async ({
  page,
  model,
}) => {
  model.play(saying('Read.'));
  await page.goto('/');
  const chosen = [
    { name: 'data.csv', mimeType: 'text/csv', buffer: Buffer.from('a,b\r\n1,2\r\n') },
    { name: 'deploy.tfvars', mimeType: '', buffer: Buffer.from('region = "ä"\n') },
    { name: 'a.pdf', mimeType: 'application/pdf', buffer: Buffer.from([0x25, 0x50, 0xe2, 0xe3, 0xcf]) },
  ];
  await page.getByLabel('Files to attach').setInputFiles(chosen);
  await expect(page.getByRole('alert').filter({ hasText: 'a.pdf can’t be attached' })).toBeVisible();
  const dataTransfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['# Title\n```js\n```\n'], 'notes.md', { type: 'text/markdown' }));
    return transfer;
  });
  const chat = page.getByRole('region', { name: 'Chat' });
  await chat.dispatchEvent('dragover', { dataTransfer });
  await expect(page.getByText('Drop images or text files here')).toBeVisible();
  await chat.dispatchEvent('drop', { dataTransfer });
  await box(page).evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File(['{}'], 'pasted.json', { type: 'application/json' }));
    field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(button(page, /^Open /)).toHaveCount(4);
  await ask(page, 'What are these?');
  await responseComplete(page);
  const blocks =
    'data.csv:\n```csv\na,b\n1,2\n```\n\ndeploy.tfvars:\n```tfvars\nregion = "ä"\n```\n\n' +
    'notes.md:\n````md\n# Title\n```js\n```\n````\n\npasted.json:\n```json\n{}\n```\n\n';
  expect(lastSent(model)).toBe(`${blocks}What are these?`);

  await page.reload();
  const question = page.getByRole('article', { name: 'Question' });
  await question.getByRole('button', { name: 'Open data.csv (2 lines · 8 B)' }).click();
  await expect(page.getByRole('dialog', { name: 'data.csv' })).toContainText('1,2');
  await page.keyboard.press('Escape');
  await question.hover();
  await question.getByRole('button', { name: /^Edit/ }).click();
  await page.keyboard.type(' Briefly.');
  await page.keyboard.press('Enter');
  await expect(responses(page).last()).toHaveAttribute('aria-busy', 'false');
  await expect.poll(() => lastSent(model)).toBe(`${blocks}What are these? Briefly.`);
  await expect(question.getByRole('button', { name: /^Open / })).toHaveCount(4);
});

test('messages wait for the response, are edited and removed, outlast a reload, and are sent in order', async ({
  page,
  model,
}) => {
  const end = heldResponse(model, 'Second.', 'Third.');
  await page.goto('/');
  const title = freshQuestion('First');
  await ask(page, title);
  await expect(responses(page).last()).toContainText('Begun.');
  for (const text of ['one', 'two', 'three']) {
    await box(page).fill(text);
    await page.keyboard.press('Enter');
    await expect(waiting(page)).toContainText(text);
    await expect(box(page)).toHaveValue('');
  }
  await expect(waiting(page)).toContainText('Sends when this answer is done');
  expect(await accessibilityFaults(page)).toEqual([]);
  await button(waiting(page), 'Edit “one”').click();
  await expect(page.getByRole('textbox', { name: 'Edit the waiting message' })).toBeFocused();
  await page.keyboard.type(' changed');
  await page.keyboard.press('Enter');
  await expect(box(page)).toBeFocused();
  await button(waiting(page), 'Remove “two”').click();
  await expect(waiting(page).getByRole('listitem')).toHaveCount(2);
  await page.getByText('Message removed').locator('..').getByRole('button', { name: 'Undo' }).click();
  await expect(waiting(page).getByRole('listitem')).toHaveText([/one changed/, /two/, /three/]);
  await button(waiting(page), 'Remove “three”').click();
  await page.reload();
  await expect(waiting(page).getByRole('listitem')).toHaveText([/one changed/, /two/]);

  // They are sent while another conversation is shown.
  await button(page, 'New chat').first().click();
  await expect(waiting(page)).toHaveCount(0);
  const before = model.requests.length;
  end();
  await expect.poll(() => model.requests.length).toBe(before + 2);
  expect(lastSent(model)).toBe('two');
  await page.getByRole('complementary').getByText(title).click();
  await responseComplete(page);
  await expect(page.getByRole('article', { name: 'Question' })).toContainText([title, 'one changed', 'two']);
  await expect(waiting(page)).toHaveCount(0);
});

test('a stopped response holds the waiting messages back until they are sent', async ({ page, model }) => {
  const end = heldResponse(model, 'Next.');
  await page.goto('/');
  await ask(page, freshQuestion('Stopped'));
  await expect(responses(page).last()).toContainText('Begun.');
  await box(page).fill('held back');
  await button(page, 'Send when this answer is done').click();
  await button(page, 'Stop the answer').click();
  await expect(waiting(page)).toContainText('Not sent yet');
  end();
  await expect(responses(page)).toHaveCount(1);
  await button(waiting(page), 'Send now').click();
  await expect(responses(page).last()).toContainText('Next.');
  expect(lastSent(model)).toBe('held back');
});

test('a message that is written without a network is sent when it is back', async ({ page, context, model }) => {
  const end = heldResponse(model, 'Second.', 'Here again.');
  await page.goto('/');
  await ask(page, freshQuestion('First'));
  await expect(responses(page).last()).toContainText('Begun.');
  // The code for this comes while the page is idle.
  await box(page).fill('second');
  await page.keyboard.press('Enter');
  await expect(waiting(page)).toContainText('second');
  end();
  await expect(responses(page).last()).toContainText('Second.');
  await button(page, 'New chat').first().click();
  await context.setOffline(true);
  await expect(page.getByText('You’re offline.')).toBeVisible();
  const text = freshQuestion('Offline');
  await box(page).fill(text);
  await page.keyboard.press('Enter');
  await expect(waiting(page)).toContainText('Sends when you’re back online');
  await expect(waiting(page)).toContainText(text);
  expect(await accessibilityFaults(page)).toEqual([]);
  await context.setOffline(false);
  await expect(responses(page).last()).toContainText('Here again.');
  expect(lastSent(model)).toBe(text);
  await expect(waiting(page)).toHaveCount(0);
});

test('a new tab begins empty, and the draft of a closed one comes back', async ({ page, context }) => {
  await page.goto('/');
  await box(page).fill('half a question');
  const second = await context.newPage();
  await second.goto('/');
  await expect(box(second)).toBeFocused();
  await expect(box(second)).toHaveValue('');
  await page.reload();
  await expect(box(page)).toHaveValue('half a question');
  await second.reload();
  await expect(box(second)).toHaveValue('');
  await page.close();
  const third = await context.newPage();
  await third.goto('/');
  await expect(box(third)).toHaveValue('half a question');
});

test('a dialog that a shortcut opens without a focus gives it to the message', async ({ page }) => {
  await page.goto('/');
  await expect(box(page)).toBeFocused();
  await box(page).evaluate((field) => field.blur());
  await page.keyboard.press('ControlOrMeta+k');
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(box(page)).toBeFocused();
});

test('the empty page shows heading, message and examples together, and each sentence once', async ({ page }) => {
  await page.goto('/');
  const heading = page.getByRole('heading', { name: 'What can I help with?' });
  const [above, field] = await Promise.all([heading.boundingBox(), box(page).boundingBox()]);
  expect((field?.y ?? 0) - (above?.y ?? 0)).toBeLessThan(250);
  const prompt = page.getByText('Compare a linked list and an array');
  await expect(prompt).toHaveCount(1);
  const example = await prompt.boundingBox();
  expect(example?.y ?? 0).toBeGreaterThan(field?.y ?? 0);

  // A double press sends it once.
  const { href } = new URL(page.url());
  await page.getByRole('button', { name: /Compare a linked list/ }).dblclick();
  await expect(page).not.toHaveURL(href);
  await responseComplete(page);
  await expect(page.locator('a[href*="?c="]')).toHaveCount(1);
});
