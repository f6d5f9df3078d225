import type { Page } from 'playwright/test';
import { accessibilityFaultsInBoth, expect, freshQuestion, test } from './support.ts';

const LONG_STORY = 'Write a very long story about the sea, in twenty paragraphs.';

const table = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
const cell = (page: Page, region: string, name: string) =>
  table(page, region)
    .getByRole('row', { name: new RegExp(`^${name}`) })
    .getByRole('cell')
    .first();

test('the dashboard counts what happens, live', async ({ page, request }) => {
  await page.goto('/dashboard');
  // From the server: what the page shows first may be some seconds old.
  const { batch_processor: requests, response_cache: cache } = await (await request.get('/api/cache-stats')).json();
  const data = { messages: [{ role: 'user', content: freshQuestion('Say hello in five words.') }], stream: false };
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/v1/code/run', { data: { language: 'python', code: 'print(1)' } });
  await expect(cell(page, 'Requests', 'Chat requests')).toHaveText(String(requests.total_requests + 2));
  await expect(cell(page, 'Caches', 'Hits')).toHaveText(String(cache.hits + 1));
  await expect(table(page, 'Code runs')).toContainText(/Python\s*Success/);
  await expect(table(page, 'Latency, last 1,000')).toContainText(/Time to first token\s*\d/);
});

test('it shows every component: model, sandbox, gateway, and the executor of each language', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(table(page, 'Components').getByRole('row', { name: /Sandbox/ })).toContainText('Up');
  await expect(table(page, 'Components').getByRole('row', { name: /Gateway/ })).toContainText('Not configured');
  await expect(table(page, 'Models')).toContainText(/smollm2.*(Loaded|Not loaded)/s);
  await expect(table(page, 'Executors').getByRole('row', { name: /Python \d/ })).toContainText(/Healthy.* ms$/s);
  await expect(table(page, 'Server')).toContainText(/Memory \(RSS\)\s*[\d,]+ MB/);
  await expect(table(page, 'Queue')).toContainText('Queue is empty.');
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
    'Requests per second',
    'Tokens per second',
    'Chat requests: running, queued',
    'Code runs: running, queued',
    'Server CPU, % of one core',
    'Server memory (RSS)',
    'Time to first token',
    'Total response time',
    'Code run time',
    'Error rate',
    'Failed and cancelled requests',
    'Cache hit rate',
  ]) {
    const plot = page.getByRole('figure', { name: title });
    await plot.scrollIntoViewIfNeeded();
    await expect(plot.locator('canvas')).toBeVisible();
    await expect(plot.getByRole('table', { name: `${title}, values over time` })).toBeAttached();
  }
  expect(await page.locator('html').getAttribute('data-asked')).toBeNull();
  const memory = page.getByRole('figure', { name: 'Server memory (RSS)' });
  await expect(memory.getByRole('table').getByRole('cell').first()).toHaveText(/^[\d,]+ MB$/);
  // Under the pointer stands the value of that moment. A range ends with the newest one.
  await page.getByRole('group', { name: 'Time range' }).getByRole('button', { name: '5 min' }).click();
  await expect.poll(async () => await memory.getByRole('row').count(), { timeout: 40_000 }).toBeGreaterThan(3);
  await memory.scrollIntoViewIfNeeded();
  const newest = await memory.locator('time').innerText();
  const box = await memory.locator('.u-over').boundingBox();
  if (box === null) throw new Error('the plot has no area');
  await expect(async () => {
    await page.mouse.move(box.x + box.width / 2, box.y + 60 + 20 * Math.random());
    await page.mouse.move(box.x + 4, box.y + 40);
    expect(await memory.locator('time').innerText()).not.toBe(newest);
  }).toPass();
});

test('a request in the queue is listed with place and age, and is cancelled after a question', async ({
  page,
  request,
}) => {
  const ids: string[] = [];
  for (const priority of [5, 1]) {
    const data = { priority, messages: [{ role: 'user', content: freshQuestion(LONG_STORY) }] };
    const { request_id: id } = await (await request.post('/api/chat-queue', { data })).json();
    ids.push(id);
  }
  const [running = '', waiting = ''] = ids;
  await page.goto('/dashboard');
  const queue = table(page, 'Queue');
  await expect(queue.getByRole('row', { name: running.slice(0, 8) })).toContainText(/Running.*smollm2/s);
  const row = queue.getByRole('row', { name: waiting.slice(0, 8) });
  await expect(row).toContainText(/#1.*smollm2/s);
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await row.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel request' }).click();
  await expect(page.getByText(`Request ${waiting.slice(0, 8)} cancelled.`).first()).toBeVisible();
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
  await expect(page.getByText(/^\d+ entr(?:y|ies) cleared\.$/).first()).toBeVisible();
});

test('the model is loaded after a question, and says how long it took', async ({ page }) => {
  await page.goto('/dashboard');
  await page.getByRole('button', { name: 'Load model' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Load model' }).click();
  await expect(page.getByText(/It took \d/).first()).toBeVisible({ timeout: 60_000 });
  await expect(table(page, 'Models').getByRole('row', { name: /smollm2/ })).toContainText('Loaded');
});

test('while the server is away the last figures stay, and say how old they are', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(table(page, 'Server')).toBeVisible();
  await page.route('**/api/**', (route) => route.abort('connectionrefused'));
  await expect(page.getByText('Showing the last known data.')).toBeVisible();
  await expect(page.getByText(/^Updated \d+ s ago$/)).toBeVisible({ timeout: 20_000 });
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.unroute('**/api/**');
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 20_000 });
});

test('lines are drawn when one comes near, and the value of now is there before', async ({ page }) => {
  await page.setViewportSize({ width: 412, height: 700 });
  await page.goto('/dashboard');
  const memory = page.getByRole('figure', { name: 'Server memory (RSS)' });
  await expect(memory).toContainText(/[\d,]+ MB/);
  await page.waitForLoadState('networkidle');
  await expect(memory.locator('canvas')).toHaveCount(0);
  const { height: before } = (await memory.boundingBox()) ?? {};
  await memory.scrollIntoViewIfNeeded();
  await expect(memory.locator('canvas')).toBeVisible();
  expect((await memory.boundingBox())?.height).toBe(before);
});
