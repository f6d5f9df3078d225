import type { Page } from 'playwright/test';
import { ollama as ollamaChunks, startFaultyModelServer } from '../test/support/faulty-model-server.ts';
import { startApp } from '../test/support/running-app.ts';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, lookWithAxe, responseComplete } from './support.ts';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const settings = (page: Page) => page.getByRole('complementary', { name: 'Chat settings' });
const note = (page: Page, text: string) => page.getByText(text, { exact: true });

interface Sent {
  options: Record<string, unknown>;
  think?: unknown;
  messages: { role: string; content: string }[];
}

test('settings are saved as one types, checked in place, and Escape loses nothing', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  await button(page, 'Chat settings').click();
  const panel = settings(page);
  const prompt = panel.getByLabel('System prompt');
  await expect(prompt).toBeFocused();
  await page.keyboard.type('Answer in one word.');
  await expect(panel.getByLabel('Temperature')).toHaveAttribute('placeholder', '0.8');
  await expect(panel.getByLabel('Max tokens')).toHaveAttribute('placeholder', 'No limit');
  await expect(panel.getByLabel('Context length')).toHaveAttribute('placeholder', 'Automatic, up to 4,096');
  // An empty field shows its default itself, else the hint does.
  await expect(panel.getByText('Default: 0.8.')).toHaveCount(0);
  await panel.getByLabel('Temperature').fill('0.5');
  await expect(panel.getByText('Default: 0.8.')).toBeVisible();
  await panel.getByLabel('Temperature').fill('');
  await panel.getByLabel('Temperature').fill('9');
  await expect(panel.getByText('Enter a number from 0 to 2.')).toBeVisible();
  await panel.getByLabel('Seed').fill('42');
  await panel.getByLabel('Top K').fill('20');
  await panel.getByLabel('Stop sequences').fill('END\n\\n\\n');
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await expect(button(page, 'Chat settings (customised)')).toBeFocused();

  await ask(page, freshQuestion('Well?'));
  await responseComplete(page);
  const sent = model.requests.at(-1)?.body as Sent;
  expect(sent.messages[0]).toEqual({ role: 'system', content: 'Answer in one word.' });
  expect(sent.options).toEqual({ seed: 42, top_k: 20, stop: ['END', '\n\n'] });

  await button(page, 'Chat settings (customised)').click();
  await expect(prompt).toHaveValue('Answer in one word.');
  // One can go on in the chat while the panel is open.
  await ask(page, freshQuestion('And?'));
  await responseComplete(page);
  await expect(panel).toBeVisible();
});

test('settings can be reset, undone, used in new chats and kept as presets', async ({ page, model }) => {
  model.play(saying('Yes.'));
  await page.goto('/');
  await button(page, 'Chat settings').click();
  const panel = settings(page);
  const prompt = panel.getByLabel('System prompt');
  await prompt.fill('Be brief.');
  await panel.getByLabel('Seed').fill('7');

  await button(page, 'Reset to defaults').click();
  await expect(prompt).toHaveValue('');
  await expect(panel.getByLabel('Seed')).toHaveValue('');
  await button(page, 'Undo').click();
  await expect(prompt).toHaveValue('Be brief.');
  await expect(panel.getByLabel('Seed')).toHaveValue('7');

  await button(page, 'Save as preset').click();
  await page.getByLabel('Preset name').fill('Short');
  await page.keyboard.press('Enter');
  const apply = button(page, 'Apply Short');
  await expect(apply).toBeVisible();
  await button(page, 'Use in all new chats').click();
  await expect(panel.getByText('New chats start with these settings.')).toBeVisible();

  await prompt.fill('Be long.');
  await apply.click();
  await expect(prompt).toHaveValue('Be brief.');
  await button(page, 'More for Short').click();
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await expect(page.getByLabel('Preset name')).toBeFocused();
  await page.keyboard.type('Brief');
  await page.keyboard.press('Enter');
  await button(page, 'More for Brief').click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await expect(button(page, 'Apply Brief')).toHaveCount(0);
  await page
    .getByRole('region', { name: 'Notifications' })
    .locator('> *')
    .filter({ hasText: 'deleted' })
    .getByRole('button', { name: 'Undo' })
    .click();
  await expect(button(page, 'Apply Brief')).toBeVisible();
  // Each undo stays reachable for its time, however many there are.
  for (const name of ['One', 'Two', 'Three', 'Four']) {
    await button(page, 'Save as preset').click();
    await page.getByLabel('Preset name').fill(name);
    await page.keyboard.press('Enter');
  }
  const saved = page.getByRole('region', { name: 'Notifications' }).locator('> *').filter({ hasText: ' saved.' });
  await saved.filter({ hasText: '“One”' }).getByRole('button', { name: 'Undo' }).click();
  await expect(button(page, 'Apply One')).toHaveCount(0);
  await lookWithAxe(page, 'settings with a preset');

  await ask(page, freshQuestion('First'));
  await responseComplete(page);
  await page.getByRole('button', { name: 'New chat' }).first().click();
  await expect(prompt).toHaveValue('Be brief.');
  await page.reload();
  await ask(page, freshQuestion('Second'));
  await responseComplete(page);
  const sent = model.requests.at(-1)?.body as Sent;
  expect(sent.messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
  expect(sent.options).toEqual({ seed: 7 });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('the settings are a sheet within the screen, which keeps what was typed', async ({ page }) => {
    await page.goto('/');
    await button(page, 'Chat settings').tap();
    const sheet = page.getByRole('dialog', { name: 'Chat settings' });
    await sheet.getByLabel('System prompt').fill('Be brief.');
    await sheet.getByLabel('Stop sequences').scrollIntoViewIfNeeded();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.keyboard.press('Escape');
    await expect(sheet).toBeHidden();
    await button(page, 'Chat settings (customised)').tap();
    await expect(sheet.getByLabel('System prompt')).toHaveValue('Be brief.');
  });
});

test('models are found by name and capability among many, and a missing one has a way out', async ({ page, model }) => {
  const many = Array.from({ length: 55 }, (_, at) => ({ name: `model-${at}:8b`, size: 5e9, digest: `d${at}` }));
  model.setResponse('/api/tags', { models: [{ name: 'test:latest', digest: 'd' }, ...many] });
  model.setResponse('/api/ps', { models: [{ name: 'model-7:8b', context_length: 4_096 }] });
  model.play(saying('Yes.'));
  try {
    await page.goto('/');
    const picker = page.getByRole('combobox', { name: 'Model', exact: true });
    await expect(picker).toContainText('test:latest');
    await picker.click();
    const search = page.getByRole('combobox', { name: 'Search models' });
    await expect(search).toBeFocused();
    await expect(page.getByRole('option').first()).toContainText('Thinking');
    await search.fill('model-7 thinking');
    await expect(page.getByRole('option')).toHaveText([/model-7:8b.*Loaded.*4\.7 GB.*4K context.*Thinking/]);
    await lookWithAxe(page, 'models');
    await search.fill('nothing like it');
    await expect(page.getByText('No models match “nothing like it”')).toBeVisible();
    await search.fill('model-7');
    await page.keyboard.press('Enter');
    await expect(picker).toContainText('model-7:8b');

    model.setResponse('/api/tags', { models: [{ name: 'test:latest', digest: 'd' }] });
    await page.reload();
    await expect(picker).toContainText('Not available');
    await expect(note(page, 'model-7:8b is not available on this server.')).toBeVisible();
    expect(await accessibilityFaults(page)).toEqual([]);
    await button(page, 'Use test:latest').click();
    await expect(picker).toHaveText('test:latest');
    await expect(page.getByText('is not available on this server.')).toHaveCount(0);
  } finally {
    model.setResponse('/api/tags', undefined);
    model.setResponse('/api/ps', undefined);
  }
});

test('levels of thinking are offered for a model that has them', async ({ page, model }) => {
  model.setResponse('/api/tags', { models: [{ name: 'gpt-oss:20b', digest: 'g' }] });
  try {
    await page.goto('/');
    await page.evaluate(() => localStorage.setItem('model', 'gpt-oss:20b'));
    await page.reload();
    const thinking = page.getByRole('combobox', { name: 'Thinking' });
    await expect(thinking).toHaveText('Thinking: default');
    await thinking.click();
    await expect(page.getByRole('option')).toHaveText(['Model default', 'Low effort', 'Medium effort', 'High effort']);
  } finally {
    model.setResponse('/api/tags', undefined);
  }
});

test('the gauge fills, warns before the context is full, and a truncated chat is named', async ({ page, model }) => {
  const counting = (counts: object) => [{ send: ollamaChunks.text('Yes.') }, { send: doneWith(counts) }];
  model.play(counting({ prompt_eval_count: 1_000, eval_count: 24 }));
  await page.goto('/');
  const notes = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('word '.repeat(4_000)) };
  await page.getByLabel('Files to attach').setInputFiles(notes);
  await expect(page.getByText(/^The attachments have about 5,0\d\d tokens, .* at most 4,096\./)).toBeVisible();
  const gauge = page.getByRole('button', { name: /^Context used: / });
  await expect(gauge).toHaveAccessibleName(/About 5,0\d\d of 4,096 tokens/);
  await button(page, 'Remove notes.txt').click();
  await expect(gauge).toHaveCount(0);
  await ask(page, freshQuestion('Short'));
  await responseComplete(page);
  await expect(button(page, 'Context used: About 1,024 of 4,096 tokens (25%)')).toBeVisible();
  model.play(counting({ prompt_eval_count: 3_500, eval_count: 100 }));
  await ask(page, freshQuestion('Longer'));
  await responseComplete(page);
  await expect(page.getByText('This chat has used about 88% of the model’s context.')).toBeVisible();
  await lookWithAxe(page, 'a context that is nearly full');

  await button(page, 'Chat settings').click();
  await settings(page).getByLabel('Context length').fill('1024');
  await settings(page).getByLabel('Context length').blur();
  const { promise: isRead, resolve: finishReading } = Promise.withResolvers<void>();
  model.play([{ wait: isRead }, ...counting({ prompt_eval_count: 1_000, eval_count: 100 })]);
  await ask(page, freshQuestion('word '.repeat(1_500)));
  await expect(page.getByRole('article', { name: 'Answer' }).last()).toContainText('Reading your text…');
  finishReading();
  await responseComplete(page);
  const sent = model.requests.at(-1)?.body as Sent;
  expect(sent.options).toEqual({ num_ctx: 1_024 });
  await expect(page.getByText('The last answer did not take the whole chat into account')).toBeVisible();
  await page.reload();
  await expect(page.getByText('The last answer did not take the whole chat into account')).toBeVisible();
  await page
    .getByRole('status')
    .filter({ hasText: 'whole chat' })
    .locator('xpath=../../..')
    .getByRole('button', { name: 'New chat' })
    .click();
  await expect(page.getByText('whole chat')).toHaveCount(0);
});

function doneWith(counts: object): string {
  return `${JSON.stringify({ ...JSON.parse(ollamaChunks.done()), ...counts })}\n`;
}

test('a dialog puts the focus on its first field with the text selected, and Enter confirms', async ({ page }) => {
  await page.goto('/playground');
  await expect(page.getByRole('textbox', { name: 'Program' })).toBeVisible();
  await button(page, 'Add a file').click();
  const dialog = page.getByRole('dialog');
  const field = dialog.getByRole('textbox');
  await expect(field).toBeFocused();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('helper.py');
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('tab', { name: /helper\.py/ }).or(button(page, 'helper.py'))).toBeVisible();
});

test.describe('without its model server', () => {
  test('the page says at once that it is down, to whom, and notices when it is back', async ({ browser }) => {
    const first = await startFaultyModelServer();
    const port = Number(new URL(first.url).port);
    await first.close();
    const app = await startApp('server', {
      MODEL_PROVIDER: 'ollama',
      OLLAMA_API_URL: `http://127.0.0.1:${port}`,
      OLLAMA_MODEL: 'test',
      LOG_LEVEL: 'silent',
    });
    const page = await browser.newPage();
    try {
      await page.goto(app.url);
      const alert = page.getByRole('alert').filter({ hasText: 'The model server is not responding.' });
      await expect(alert).toBeVisible();
      await expect(alert.getByText('ollama serve')).toBeHidden();
      await alert.getByText('Details for operators').click();
      await expect(alert.locator('code')).toHaveText(['ollama serve', 'OLLAMA_API_URL']);
      await expect(page.getByRole('combobox', { name: 'Model', exact: true })).toContainText('Not available');
      await expect(alert.getByRole('button', { name: 'Retry' })).toBeEnabled();
      expect(await accessibilityFaults(page)).toEqual([]);
      const back = await startFaultyModelServer(port);
      await expect(alert).toBeHidden({ timeout: 30_000 });
      await back.close();
    } finally {
      await page.close();
      await app.stop();
    }
  });
});
