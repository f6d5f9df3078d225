import type { Page } from 'playwright/test';
import { ask, expect, freshQuestion, lookWithAxe, responses, test } from './support.ts';

/** What the chat says of several model servers, which are scripted. */

const BASE = {
  ...{ provider: 'ollama', size_bytes: null, parameter_size: '3B', quantization: null, context_length: null },
  ...{ capabilities: { thinking: false, vision: false, tools: false }, loaded: false, is_default: false },
};
const model = (id: string, more: object) => ({ ...BASE, id, ...more });
const BOTH = ['gpu-a', 'gpu-b'];
const MODELS = [
  model('llama3.2:3b', { servers: BOTH, is_default: true, loaded: true }),
  model('qwen3:8b', { servers: ['gpu-b'] }),
  model('fast', { servers: BOTH, alias_of: ['llama3.2:3b@gpu-a', 'qwen3:8b'] }),
];

async function script(page: Page, models: readonly object[]): Promise<void> {
  const json = { models, default_model: 'llama3.2:3b', providers: [{ id: 'ollama', reachable: true, error: null }] };
  await page.route('**/api/models', (route) => route.fulfill({ json: { ...json, notice: null } }));
}

test('the model picker says which server has a model and what an alias stands for', async ({ page }) => {
  await script(page, MODELS);
  await page.goto('/');
  await page.getByRole('combobox', { name: 'Model', exact: true }).click();
  await expect(page.getByRole('option')).toHaveText([
    /llama3\.2:3b.*3B parameters · Default · on all servers/,
    /qwen3:8b.*3B parameters · on gpu-b/,
    /fast.*alias for llama3\.2:3b@gpu-a, then qwen3:8b · on all servers/,
  ]);
  await page.getByRole('combobox', { name: 'Search models' }).fill('gpu-b qwen');
  await expect(page.getByRole('option').first()).toContainText('qwen3:8b');
  await lookWithAxe(page, 'models of several servers');
});

test('the model picker says nothing of servers in front of one', async ({ page }) => {
  await script(
    page,
    MODELS.map((each) => ({ ...each, servers: ['gpu-a'], alias_of: undefined })),
  );
  await page.goto('/');
  await page.getByRole('combobox', { name: 'Model', exact: true }).click();
  await expect(page.getByRole('option').first()).toContainText('Default');
  await expect(page.getByRole('listbox')).not.toContainText(/gpu-|server|alias/);
});

test('the command menu finds a model by its server', async ({ page }) => {
  await script(page, MODELS);
  await page.goto('/');
  await expect(page.getByRole('combobox', { name: 'Model', exact: true })).toContainText('llama3.2:3b');
  await page.keyboard.press('ControlOrMeta+k');
  const menu = page.getByRole('dialog', { name: 'Command menu' });
  await menu.getByRole('combobox').fill('model qwen gpu-b');
  await expect(menu.getByRole('option').first()).toContainText(/Model: qwen3:8b\s*on gpu-b/);
  await menu.getByRole('combobox').fill('Model: llama');
  await expect(menu.getByRole('option').first()).toContainText(/Model: llama3\.2:3b\s*In use · on all servers/);
});

test('a model server that does not respond is named, with another model as the way out', async ({ page }) => {
  await script(page, MODELS);
  await page.route('**/api/chat-optimized', (route) => {
    const data = { model_server: 'gpu-b' };
    const error = 'Ollama does not answer at http://gpu-b:11434. Start it with `ollama serve`.';
    const event = { done: true, error, code: 'provider_unavailable', data };
    return route.fulfill({ contentType: 'text/event-stream', body: `data: ${JSON.stringify(event)}\n\n` });
  });
  await page.goto('/');
  await ask(page, freshQuestion('Hello'));
  const notice = responses(page).last().getByRole('alert');
  await expect(notice).toContainText(
    'The model server gpu-b is not responding. Choose another model, or ask your administrator.',
  );
  await expect(notice.getByText('http://gpu-b:11434')).toBeHidden();
  await notice.getByRole('button', { name: 'Choose another model' }).click();
  await expect(page.getByRole('menuitem', { name: 'qwen3:8b' })).toBeVisible();
});
