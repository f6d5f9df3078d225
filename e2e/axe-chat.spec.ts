import type { Page } from 'playwright/test';
import type { FaultyModelServer } from '../test/support/faulty-model-server.ts';
import { expect, ollama, saying, test } from './scripted.ts';
import { ask, freshQuestion, lookWithAxe as look, responseComplete, responses } from './support.ts';

/** Every overlay of the chat, and every state of it that lasts for a while. */

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

/** A response with every element that a response can have. */
const RICH = saying(
  '# Title\n\nSome **text** with `code`, a [link](https://example.org), and $a^2$.\n\n',
  '| a | b |\n|---|---|\n| 1 | 2 |\n\n> A quotation\n\n- [x] done\n- [ ] open\n\n',
  '```python\nprint("out")\nraise ValueError("no good")\n```\n\n```json\n{"a": [1, null]}\n```\n',
);
const REASONED = [{ send: ollama.thinking('Let me see. ') }, { send: ollama.thinking('It is so.') }, ...RICH];

/**
 * What opens pushes the rest below the composer, where a button that is half covered would pass
 * for a small one.
 */
const toEnd = (page: Page) =>
  page
    .getByRole('region', { name: 'Chat' })
    .locator('> .scroller')
    .evaluate((scroller) => scroller.scrollTo(0, scroller.scrollHeight));

test('the chat’s menus, settings and versions of a response have no fault', async ({ page, model }) => {
  model.play(REASONED);
  await page.goto('/');
  await page.getByRole('combobox', { name: 'Model' }).click();
  await expect(page.getByRole('option')).toBeVisible();
  await look(page, 'models');
  await page.keyboard.press('Escape');
  await page.getByRole('combobox', { name: 'Thinking' }).click();
  await expect(page.getByRole('option').first()).toBeVisible();
  await look(page, 'thinking');
  await page.keyboard.press('Escape');
  await button(page, 'Chat settings').click();
  await page.getByLabel('System prompt').fill('Be brief.');
  await page.getByLabel('Temperature').fill('9');
  await look(page, 'settings');
  await button(page, 'Close chat settings').click();
  await expect(button(page, 'Chat settings (customised)')).toBeVisible();

  await ask(page, freshQuestion('Everything'));
  await responseComplete(page);
  await expect(responses(page).locator('.katex')).toBeVisible();
  await look(page, 'an answer, its reasoning folded');
  await button(page, /^Thought/).click();
  await expect(page.getByText('It is so.')).toBeVisible();
  await toEnd(page);
  await look(page, 'reasoning');
  await button(page, 'Run').click();
  await expect(responses(page)).toContainText('ValueError: no good');
  await toEnd(page);
  await look(page, 'output of a program');

  await button(page, 'Regenerate').click();
  await expect(responses(page)).toContainText('2 / 2');
  await responseComplete(page);
  const question = page.getByRole('article', { name: 'Question' });
  await question.hover();
  await look(page, 'versions, and what can be done with a question');
  await question.getByRole('button', { name: 'Edit' }).click();
  await expect(page.getByRole('textbox', { name: 'The question' })).toBeFocused();
  await look(page, 'a question that is changed');
});

test('the chat’s images, attached and enlarged, have no fault', async ({ page }) => {
  await page.goto('/');
  await page.getByLabel('Files to attach').setInputFiles('public/icon-192.png');
  const show = button(page, 'Show icon-192.png');
  await expect(show).toBeVisible();
  await look(page, 'a picture to be sent');
  const dataTransfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
    return transfer;
  });
  const chat = page.getByRole('region', { name: 'Chat', exact: true });
  await chat.dispatchEvent('dragover', { dataTransfer });
  await expect(page.getByText('Drop images or text files here')).toBeVisible();
  await look(page, 'a picture over the page');
  await chat.dispatchEvent('dragleave');
  await show.click();
  await expect(page.getByRole('dialog', { name: 'icon-192.png' }).getByRole('img')).toBeVisible();
  await look(page, 'a picture, large');
});

test('the history: menus, rename, delete, search, export and import', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  await expect(page.getByText('No chats yet.')).toBeVisible();
  const title = freshQuestion('History');
  await ask(page, title);
  await responseComplete(page);
  const history = page.getByRole('complementary', { name: 'Chats' });
  const more = history.getByRole('button', { name: `More for ${title}` });
  await history.getByRole('button', { name: 'Manage chats' }).click();
  await expect(page.getByRole('menuitem', { name: 'Import chats' })).toBeVisible();
  await look(page, 'export and import');
  await page.keyboard.press('Escape');
  await more.click();
  await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeVisible();
  await look(page, 'menu of a conversation');
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await expect(page.getByRole('textbox', { name: 'Chat title' })).toBeFocused();
  await look(page, 'rename');
  await page.keyboard.press('Escape');
  await history.getByRole('searchbox').fill('nothing has this');
  await expect(history.getByText('No chats match')).toBeVisible();
  await look(page, 'search without a result');
  await history.getByRole('searchbox').fill('');
  await page.getByLabel('Chats to import').setInputFiles('package.json');
  await expect(page.getByText('Not a Chill Space export.').first()).toBeVisible();
  await look(page, 'a file that cannot be imported');
  await history.getByRole('button', { name: 'Manage chats' }).click();
  await page.getByRole('menuitem', { name: 'Delete all chats' }).click();
  await expect(page.getByRole('alertdialog')).toBeVisible();
  await look(page, 'delete all chats');
  await button(page, 'Cancel').click();
  await more.click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();
  await look(page, 'a deleted chat');
  await page.goto('/?c=nowhere');
  await expect(page.getByRole('heading', { name: 'Chat not found' })).toBeVisible();
  await look(page, 'a conversation that is not there');
});

test('a response has no fault while it waits, queues, reasons, streams and is stopped', async ({
  page,
  request,
  model,
}) => {
  model.play(['hang']);
  await page.goto('/');
  const last = responses(page).last();
  await ask(page, freshQuestion('Waiting'));
  await expect(last).toContainText(/(Loading|Waiting for) the model…/);
  await look(page, 'waiting');
  await button(page, 'Stop the answer').click();
  await expect(last).toContainText('Stopped');
  await look(page, 'stopped before the first word');

  const others = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const data = { messages: [{ role: 'user', content: freshQuestion('Others') }] };
      return (await (await request.post('/api/chat-queue', { data })).json()).request_id as string;
    }),
  );
  await ask(page, freshQuestion('Queue'));
  await expect(last).toContainText('Queued');
  await look(page, 'in the queue');
  await button(page, 'Stop the answer').click();
  for (const id of others) await request.delete(`/api/chat-queue?requestId=${id}`);
  await model.idle();

  const lines = Array.from({ length: 60 }, (_, index) => ({ send: ollama.text(`Line ${index}\n\n`) }));
  const thought = Promise.withResolvers<void>();
  model.play([{ send: ollama.thinking('Well … ') }, { wait: thought.promise }, ...lines, 'hang']);
  await ask(page, freshQuestion('Long'));
  await expect(last.getByRole('button', { name: /^Thinking…/ })).toBeVisible();
  await look(page, 'reasoning is written');
  thought.resolve();
  await expect(last).toContainText('Line 59');
  await last.hover();
  await page.mouse.wheel(0, -900);
  await expect(button(page, 'Jump to latest')).toBeVisible();
  await look(page, 'an answer is written, read from further up');
  await button(page, 'Stop the answer').click();
  await model.idle();
});

test('a failed, a cut and a joined response have no fault', async ({ page, request, model }) => {
  await page.goto('/');
  const last = responses(page).last();
  model.play([{ send: ollama.text('Half of') }, { send: ollama.done('length') }]);
  await ask(page, freshQuestion('Cut'));
  await expect(last).toContainText('Reached the token limit');
  await look(page, 'at the token limit');
  model.play([{ send: ollama.text('Half of') }, { send: ollama.error('out of memory') }]);
  await ask(page, freshQuestion('Broken'));
  await expect(last.getByRole('alert')).toBeVisible();
  await look(page, 'broken off');
  await button(page, 'New chat').first().click();
  const asked = await joinable(model);
  const body = { messages: [{ role: 'user', content: asked.question }], stream: true };
  const other = request.post('/api/chat-optimized', { data: body });
  await asked.begun;
  await ask(page, asked.question);
  await expect(last).toContainText('Begun');
  asked.end();
  await responseComplete(page);
  await other;
  await expect(last).toContainText('Shared with an identical request');
  await look(page, 'joined');
});

/** A response that goes on until the test ends it, so that another can join it. */
async function joinable(model: FaultyModelServer) {
  const begun = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  model.choose(() => {
    begun.resolve();
    return [{ send: ollama.text('Begun') }, { wait: end.promise }, { send: ollama.done() }];
  });
  return { question: freshQuestion('Join'), begun: begun.promise, end: () => end.resolve() };
}

test('the chat without its server: no models, a refused question, no network', async ({ page, context }) => {
  await page.route('**/api/models', (route) => route.abort('connectionrefused'));
  await page.goto('/');
  await expect(page.getByText('Models unavailable')).toBeVisible();
  await look(page, 'no models');
  await page.route('**/api/chat-optimized', (route) =>
    route.fulfill({ status: 503, json: { error: '100 requests are already waiting.', code: 'queue_full' } }),
  );
  await ask(page, freshQuestion('Refused'));
  await expect(responses(page).getByRole('alert')).toContainText('The server is busy with other requests.');
  await look(page, 'a refused question');
  await context.setOffline(true);
  await expect(page.getByText('You’re offline.')).toBeVisible();
  await look(page, 'offline');
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('drawer, settings, response and menus have no fault on a phone', async ({ page, model }) => {
    model.play(REASONED);
    await page.goto('/');
    const title = freshQuestion('Phone');
    await ask(page, title);
    await responseComplete(page);
    await expect(responses(page).locator('.katex')).toBeVisible();
    await look(page, 'an answer');
    await button(page, 'Chats').tap();
    const drawer = page.getByRole('dialog', { name: 'Chats' });
    await expect(drawer.getByRole('link', { name: title, exact: true })).toBeVisible();
    await look(page, 'drawer');
    await drawer.getByRole('button', { name: `More for ${title}` }).tap();
    await expect(page.getByRole('menuitem', { name: 'Rename' })).toBeVisible();
    await look(page, 'menu in the drawer');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await expect(drawer).toBeHidden();
    await button(page, 'Chat settings').tap();
    await expect(page.getByRole('dialog', { name: 'Chat settings' })).toBeVisible();
    await look(page, 'settings');
  });
});
