import type { Page } from 'playwright/test';
import { accessibilityFaults, expect, freshQuestion, test } from './support.ts';

const LONG_STORY = 'Write a very long story about the sea, in twenty paragraphs.';

const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const cell = (page: Page, region: string, name: string) =>
  table(page, region)
    .getByRole('row', { name: new RegExp(`^${name}`) })
    .getByRole('cell')
    .first();

test('the dashboard counts what happens, live', async ({ page, request }) => {
  await page.goto('/dashboard');
  await expect(cell(page, 'Requests', 'Chat requests')).toHaveText(/\d/);
  const before = Number(await cell(page, 'Requests', 'Chat requests').innerText());
  const hitsBefore = Number(await cell(page, 'Caches', 'Hits').innerText());
  const data = { messages: [{ role: 'user', content: freshQuestion('Say hello in five words.') }], stream: false };
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/v1/code/run', { data: { language: 'python', code: 'print(1)' } });
  await expect(cell(page, 'Requests', 'Chat requests')).toHaveText(String(before + 2));
  await expect(cell(page, 'Caches', 'Hits')).toHaveText(String(hitsBefore + 1));
  await expect(table(page, 'Code runs')).toContainText(/python/i);
  await expect(table(page, 'Latency')).toContainText(/First token\s*\d/);
});

test('it shows every part: model, sandbox, gateway, and who runs each language', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(table(page, 'Parts').getByRole('row', { name: /Sandbox/ })).toContainText('Up');
  await expect(table(page, 'Parts').getByRole('row', { name: /Gateway/ })).toContainText('Not configured');
  await expect(table(page, 'Models')).toContainText(/smollm2.*(Loaded|Not loaded)/s);
  await expect(table(page, 'Executors').getByRole('row', { name: /Python \d/ })).toContainText('Healthy');
  await expect(table(page, 'Server')).toContainText(/Memory\s*[\d,]+ MB/);
  await expect(table(page, 'Queue')).toContainText('Nobody is being answered, and nobody waits.');
});

test('plots have a title, the value of now, and their numbers as a table', async ({ page }) => {
  // What uPlot would ask when it is loaded, and no plot of ours needs, takes a page 30 ms
  // (scripts/uplot-loader.cjs).
  await page.addInitScript(() => {
    for (const kind of ['DateTimeFormat', 'NumberFormat'] as const)
      Object.defineProperty(Intl, kind, {
        value: new Proxy(Intl[kind], {
          construct(target, parameters) {
            document.documentElement.setAttribute('data-asked', kind);
            return Reflect.construct(target, parameters);
          },
        }),
      });
  });
  await page.goto('/dashboard');
  for (const title of [
    'Waiting and running',
    'Time to the first token',
    'Time to the whole answer',
    'Time of a code run',
    'Answers from the cache',
    'Memory of the server',
  ]) {
    const plot = page.getByRole('figure', { name: title });
    await plot.scrollIntoViewIfNeeded();
    await expect(plot.locator('canvas')).toBeVisible();
    await expect(plot.getByRole('table', { name: `${title}, the latest values` })).toBeAttached();
  }
  expect(await page.locator('html').getAttribute('data-asked')).toBeNull();
  const memory = page.getByRole('figure', { name: 'Memory of the server' });
  await expect(memory.getByRole('table').getByRole('cell').first()).toHaveText(/^[\d,]+ MB$/);
  // Under the pointer stands the value of that moment.
  await expect.poll(async () => await memory.getByRole('row').count()).toBeGreaterThan(3);
  const newest = await memory.locator('time').innerText();
  const box = await memory.locator('.u-over').boundingBox();
  if (box === null) throw new Error('the plot has no area');
  await expect(async () => {
    await page.mouse.move(box.x + box.width - 40 * Math.random() - 1, box.y + 40);
    await page.mouse.move(box.x + 4, box.y + 40);
    expect(await memory.locator('time').innerText()).not.toBe('');
    expect(Date.parse(`1970-01-01T${await memory.locator('time').innerText()}Z`)).toBeLessThanOrEqual(
      Date.parse(`1970-01-01T${newest}Z`),
    );
  }).toPass();
});

test('who waits is listed with place and time, and is cancelled after a question', async ({ page, request }) => {
  const ids: string[] = [];
  for (const priority of [5, 1]) {
    const data = { priority, messages: [{ role: 'user', content: freshQuestion(LONG_STORY) }] };
    const { request_id: id } = await (await request.post('/api/chat-queue', { data })).json();
    ids.push(id);
  }
  const [running = '', waiting = ''] = ids;
  await page.goto('/dashboard');
  const queue = table(page, 'Queue');
  await expect(queue.getByRole('row', { name: running.slice(0, 8) })).toContainText('Running on');
  const row = queue.getByRole('row', { name: waiting.slice(0, 8) });
  await expect(row).toContainText('1. in line');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await accessibilityFaults(page)).toEqual([]);
  }
  await row.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel the request' }).click();
  await expect(
    page.getByRole('status').filter({ hasText: `Request ${waiting.slice(0, 8)} is cancelled.` }),
  ).toBeVisible();
  await expect(row).toBeHidden();
  expect((await (await request.get(`/api/chat-queue?requestId=${waiting}`)).json()).status).toBe('cancelled');
  expect((await request.delete(`/api/chat-queue?requestId=${running}`)).status()).toBe(200);
});

test('clear empties the cache after a question, and says how much went', async ({ page, request }) => {
  const data = { messages: [{ role: 'user', content: freshQuestion('Say hello in five words.') }], stream: false };
  await request.post('/api/chat-optimized', { data });
  await page.goto('/dashboard');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('menuitem', { name: 'Response cache' }).click();
  await page.getByRole('button', { name: 'Clear responses' }).click();
  await expect
    .poll(async () => (await (await request.get('/api/cache-stats')).json()).response_cache.total_entries)
    .toBe(0);
  await expect(page.getByRole('status').filter({ hasText: /\d+ (entries|entry|answers?)/ })).toBeVisible();
});

test('warm loads the model after a question, and says how long it took', async ({ page }) => {
  await page.goto('/dashboard');
  await page.getByRole('button', { name: 'Warm model' }).click();
  await page.getByRole('button', { name: 'Load the model' }).click();
  await expect(page.getByRole('status').filter({ hasText: /It took \d/ })).toBeVisible({ timeout: 60_000 });
  await expect(table(page, 'Models').getByRole('row', { name: /smollm2/ })).toContainText('Loaded');
});

test('while the server is away the last figures stay, and say how old they are', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(table(page, 'Server')).toBeVisible();
  await page.route('**/api/**', (route) => route.abort('connectionrefused'));
  await expect(page.getByText('What you see is the last that was known.')).toBeVisible();
  await expect(page.getByText(/\d+ s old/)).toBeVisible({ timeout: 20_000 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    expect(await accessibilityFaults(page)).toEqual([]);
  }
  await page.unroute('**/api/**');
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 20_000 });
});

test('lines are drawn when one comes near, and the value of now is there before', async ({ page }) => {
  await page.setViewportSize({ width: 412, height: 700 });
  await page.goto('/dashboard');
  const memory = page.getByRole('figure', { name: 'Memory of the server' });
  await expect(memory).toContainText(/[\d,]+ MB/);
  await page.waitForLoadState('networkidle');
  await expect(memory.locator('canvas')).toHaveCount(0);
  const { height: before } = (await memory.boundingBox()) ?? {};
  await memory.scrollIntoViewIfNeeded();
  await expect(memory.locator('canvas')).toBeVisible();
  expect((await memory.boundingBox())?.height).toBe(before);
});
