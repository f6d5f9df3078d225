import { readFileSync } from 'node:fs';
import type { Page } from 'playwright/test';
import { type FaultyModelServer, ollama } from '../test/support/faulty-model-server.ts';
import { freePort } from '../test/support/free-port.ts';
import { startApp } from '../test/support/running-app.ts';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

const words = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `w${from + index} `);
const says = (pieces: readonly string[]) => pieces.map((piece) => ({ send: ollama.text(piece) }));
const lastSent = (model: FaultyModelServer) =>
  model.requests.at(-1)?.body as { messages: { role: string; content: string }[]; options: object };
const textOf = async (page: Page) => (await responses(page).last().locator('.prose').innerText()).trim();

test('a reload during a response loses no token and shows none twice', async ({ page, model }) => {
  const half = Promise.withResolvers<void>();
  model.play([...says(words(0, 50)), { wait: half.promise }, ...says(words(50, 100)), { send: ollama.done() }]);
  await page.goto('/');
  await ask(page, freshQuestion('Count'));
  await expect(responses(page).last()).toContainText('w49');
  await page.reload();
  await expect(responses(page).last()).toContainText('w49');
  await page.reload();
  half.resolve();
  await responseComplete(page);
  expect(await textOf(page)).toBe(words(0, 100).join('').trim());
});

test('a response continues in a second tab and is stopped from there', async ({ page, context, model }) => {
  model.play([...says(words(0, 20)), 'hang']);
  await page.goto('/');
  await ask(page, freshQuestion('Count'));
  await expect(responses(page).last()).toContainText('w19');
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(responses(second).last()).toContainText('w19');
  await second.getByRole('button', { name: 'Stop the answer' }).click();
  await expect(responses(second).last()).toContainText('Stopped');
  await expect(responses(page).last()).toContainText('Stopped');
  expect(await textOf(page)).toBe(words(0, 20).join('').trim());
  await model.idle();
});

test('a server that is killed and started again: what came stays, and asking again gets the rest', async ({
  page,
  model,
}) => {
  const env = {
    PORT: String(await freePort()),
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: model.url,
    OLLAMA_MODEL: 'test',
    CACHE_ENABLED: 'false',
    LOG_LEVEL: 'silent',
  };
  let app = await startApp('server', env);
  try {
    model.play([...says(words(0, 20)), 'hang'], saying(...words(0, 40)));
    // The watch over requests knows the other app's address only.
    page.removeAllListeners('request');
    await page.goto(app.url);
    await ask(page, freshQuestion('Count'));
    await expect(responses(page).last()).toContainText('w19');
    process.kill(app.pid, 'SIGKILL');
    await app.ended;
    app = await startApp('server', env);
    const notice = responses(page).last().getByRole('alert');
    await expect(notice).toContainText('can’t be resumed. Regenerate it.', { timeout: 30_000 });
    expect(await textOf(page)).toBe(words(0, 20).join('').trim());
    await notice.getByRole('button', { name: 'Regenerate' }).click();
    await expect(responses(page).last()).toContainText('w39');
    await responseComplete(page);
    expect(await textOf(page)).toBe(words(0, 40).join('').trim());
    await expect(responses(page).last()).toContainText('2 / 2');
  } finally {
    await app.stop();
  }
});

test('a short loss of the network does not show in the response', async ({ page, context, model }) => {
  const back = Promise.withResolvers<void>();
  model.play([...says(words(0, 30)), { wait: back.promise }, ...says(words(30, 60)), { send: ollama.done() }]);
  await page.goto('/');
  await ask(page, freshQuestion('Count'));
  await expect(responses(page).last()).toContainText('w29');
  await context.setOffline(true);
  await expect(page.getByText('You’re offline.')).toBeVisible();
  expect(await accessibilityFaults(page)).toEqual([]);
  await context.setOffline(false);
  back.resolve();
  await expect(page.getByText('You’re offline.')).toHaveCount(0);
  await responseComplete(page);
  expect(await textOf(page)).toBe(words(0, 60).join('').trim());
});

test('system prompt and parameters are kept with the chat, and sent', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  await page.getByRole('button', { name: 'Chat settings' }).click();
  const panel = page.getByRole('complementary', { name: 'Chat settings' });
  await panel.getByLabel('System prompt').fill('Be brief.');
  await panel.getByLabel('Temperature').fill('0.5');
  await panel.getByLabel('Max tokens').fill('64');
  expect(await accessibilityFaults(page)).toEqual([]);
  await ask(page, freshQuestion('Well?'));
  await responseComplete(page);
  await page.reload();
  await ask(page, freshQuestion('Sure?'));
  await responseComplete(page);
  const { messages, options } = lastSent(model);
  expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
  expect(messages).toHaveLength(4);
  expect(options).toMatchObject({ temperature: 0.5, num_predict: 64 });
  await page.getByRole('button', { name: 'Chat settings (customised)' }).click();
  await expect(panel.getByLabel('System prompt')).toHaveValue('Be brief.');
});

test('a question that is changed is a branch; both can be stepped through, also after a reload', async ({
  page,
  model,
}) => {
  model.choose((body) => {
    const { messages } = body as { messages: { content: string }[] };
    return saying(`Answer to ${messages.at(-1)?.content}`);
  });
  await page.goto('/');
  await ask(page, 'first form');
  await responseComplete(page);
  const question = page.getByRole('article', { name: 'Question' });
  await question.getByRole('button', { name: 'Edit' }).click();
  await page.getByRole('textbox', { name: 'The question' }).fill('second form');
  await page.keyboard.press('Enter');
  await expect(responses(page).last()).toContainText('Answer to second form');
  await expect(question).toContainText('2 / 2');
  await page.reload();
  await expect(responses(page).last()).toContainText('Answer to second form');
  await question.getByRole('button', { name: 'Previous version' }).click();
  await expect(responses(page).last()).toContainText('Answer to first form');
  await expect(responses(page)).toHaveCount(1);
});

test('conversations are exported as JSON and as Markdown, and come back', async ({ page, model }) => {
  model.play(saying('**Bold** answer.'));
  await page.goto('/');
  const title = freshQuestion('Export');
  await ask(page, title);
  await responseComplete(page);
  const history = page.getByRole('complementary', { name: 'Chats' });
  await history.getByRole('button', { name: 'Manage chats' }).click();
  const [json] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Export all chats' }).click(),
  ]);
  const file = await json.path();
  await history.getByRole('button', { name: `More for ${title}` }).click();
  const [markdown] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('menuitem', { name: 'Export as Markdown' }).click(),
  ]);
  expect(readFileSync(await markdown.path(), 'utf8')).toBe(
    `# ${title}\n\n## You\n\n${title}\n\n## Answer from test:latest\n\n**Bold** answer.\n`,
  );
  await history.getByRole('button', { name: `More for ${title}` }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(history.getByRole('link', { name: title, exact: true })).toHaveCount(0);
  await page.getByLabel('Chats to import').setInputFiles(file);
  await expect(page.getByText('1 chat imported')).toBeVisible();
  await history.getByRole('link', { name: title, exact: true }).click();
  await expect(responses(page).last()).toContainText('Bold answer.');
  await page.getByLabel('Chats to import').setInputFiles('package.json');
  await expect(page.getByText('Not a Chill Space export.').first()).toBeVisible();
  expect(await accessibilityFaults(page)).toEqual([]);
});

test('search finds words in titles and in responses, and a conversation is renamed', async ({ page, model }) => {
  model.play(saying('The zeppelin flies.'), saying('A boat swims.'));
  await page.goto('/');
  const [first, second] = [freshQuestion('Air'), freshQuestion('Water')];
  await ask(page, first);
  await responseComplete(page);
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await ask(page, second);
  await responseComplete(page);
  const history = page.getByRole('complementary', { name: 'Chats' });
  await history.getByRole('searchbox').fill('ZEPPELIN');
  await expect(history.getByRole('link', { name: second, exact: true })).toHaveCount(0);
  await expect(history.getByRole('link', { name: first })).toContainText('The zeppelin flies.');
  await history.getByRole('button', { name: `More for ${first}` }).click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await page.getByRole('textbox', { name: 'Chat title' }).fill('Flying things');
  await page.keyboard.press('Enter');
  await expect(history.getByRole('link', { name: 'Flying things' })).toBeVisible();
  await history.getByRole('searchbox').fill('nothing has this');
  await expect(history.getByText('No chats match “nothing has this”')).toBeVisible();
});

test('an input method composes undisturbed: its Enter sends nothing', async ({ page, model, context }) => {
  model.play(saying('はい'));
  await page.goto('/');
  const box = page.getByRole('textbox', { name: 'Message' });
  await box.focus();
  const input = await context.newCDPSession(page);
  await input.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await input.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Enter', windowsVirtualKeyCode: 229 });
  await expect(responses(page)).toHaveCount(0);
  // Choosing a form takes what was composed away, and puts the form in its place.
  await input.send('Input.imeSetComposition', { text: '', selectionStart: 0, selectionEnd: 0 });
  await input.send('Input.insertText', { text: '日本' });
  await expect(box).toHaveValue('日本');
  await page.keyboard.press('Enter');
  await expect(responses(page)).toHaveCount(1);
  await responseComplete(page);
});

test('a chat is led by the keyboard alone', async ({ page, model }) => {
  model.play(saying('```python\nprint(6 * 7)\n```\n'));
  await page.goto('/');
  await page.getByRole('textbox', { name: 'Message' }).focus();
  await page.keyboard.type(freshQuestion('Program'));
  await page.keyboard.press('Enter');
  await responseComplete(page);
  const focused = (name: string) => page.getByRole('button', { name, exact: true }).and(page.locator(':focus'));
  const tabTo = async (name: string) => {
    for (let step = 0; step < 40 && (await focused(name).count()) === 0; step++) await page.keyboard.press('Shift+Tab');
    await expect(focused(name)).toBeVisible();
  };
  await expect(page.getByRole('button', { name: 'Run', exact: true })).toBeVisible();
  await tabTo('Run');
  await page.keyboard.press('Enter');
  const output = responses(page).last().getByRole('region', { name: 'Output of the program' });
  await expect(output).toContainText('42');
  model.play(saying('It is 42.'));
  await page.getByRole('textbox', { name: 'Message' }).focus();
  await tabTo('Ask about this output');
  await page.keyboard.press('Enter');
  await expect(responses(page)).toHaveCount(2);
  await responseComplete(page);
  expect(lastSent(model).messages.at(-1)?.content).toBe(
    'I ran main.py. It exited with code 0. Its output:\n\n```output main.py · exit 0\n42\n```',
  );
  expect(await accessibilityFaults(page)).toEqual([]);
});

test('a server without a model says how to get one, and the page stays usable', async ({ page }) => {
  // The watch over requests knows the other app's address only.
  page.removeAllListeners('request');
  const app = await startApp('server', {
    MODEL_PROVIDER: 'ollama',
    OLLAMA_API_URL: 'http://127.0.0.1:9',
    LOG_LEVEL: 'silent',
    UPSTREAM_RETRIES: '0',
  });
  try {
    await page.goto(app.url);
    await ask(page, freshQuestion('Hello'));
    await expect(responses(page).last().getByRole('alert')).toContainText(/Ollama/);
    await expect(responses(page).last().getByRole('button', { name: 'Try again' })).toBeVisible();
    expect(await accessibilityFaults(page)).toEqual([]);
  } finally {
    await app.stop();
  }
});
