import type { Page } from 'playwright/test';
import type { ModelServerStats } from '../lib/wire/server-stats.ts';
import { layoutFaults } from './layout-faults.ts';
import { accessibilityFaults, accessibilityFaultsInBoth, expect, test } from './support.ts';

/** What the dashboard shows of one and of several model servers, whose figures are scripted. */

const FREE: ModelServerStats = {
  ...{ id: '0a1b2c3d', name: 'gpu-a', provider: 'ollama', address: 'http://gpu-a.lan:11434', state: 'up', error: null },
  ...{ slots: 4, running: 1, waiting: 0, loaded: ['llama3.2:3b', 'qwen3:8b'], models: 14 },
  ...{ average_ms: 3_200, tokens_per_second: 41.7 },
};
const BUSY: ModelServerStats = {
  ...{ ...FREE, id: '1a1b2c3d', name: 'gpu-b', address: 'http://gpu-b.lan:11434', running: 4, waiting: 3 },
  ...{ loaded: ['deepseek-r1:32b'], models: 3, average_ms: 48_000, tokens_per_second: 7.25 },
};
const DOWN: ModelServerStats = {
  ...{ ...FREE, id: '2a1b2c3d', name: 'gpu-c', address: 'http://gpu-c.lan:11434', state: 'down', running: 0 },
  error: 'Ollama does not answer at http://gpu-c.lan:11434. Start it with `ollama serve`, or correct OLLAMA_API_URL.',
  ...{ loaded: [], models: null, average_ms: null, tokens_per_second: null },
};
const HOSTED: ModelServerStats = {
  ...{ ...FREE, id: '3a1b2c3d', name: 'api.example.com', provider: 'openai', address: 'https://api.example.com/v1' },
  ...{ slots: 16, running: 2, loaded: ['gpt-4o', 'gpt-4o-mini'], models: 84, average_ms: 900, tokens_per_second: 96 },
};
const CROWDED: ModelServerStats = {
  ...{ ...FREE, id: '4a1b2c3d', name: 'a-very-long-name-of-a-server-that-does-not-fit.internal.example.com:11434' },
  loaded: Array.from({ length: 40 }, (_, at) => `hf.co/some-organisation/some-very-long-model-name-${at}-GGUF:Q4_K_M`),
  models: 40,
};

const section = (page: Page) => page.getByRole('region', { name: 'Model servers', exact: true });
const row = (page: Page, name: string) => section(page).getByRole('row', { name });
const tile = (page: Page, name: string) => page.getByRole('article', { name });
/** Without what is hidden at this width. */
const INNER = { useInnerText: true };

/** Replaces the model servers in the statistics; undefined is a server that lists none. */
async function script(page: Page, servers: () => readonly ModelServerStats[] | undefined): Promise<void> {
  await page.route('**/api/cache-stats', async (route) => {
    const response = await route.fetch();
    const { model_servers: _, ...stats } = await response.json();
    await route.fulfill({ response, json: { ...stats, model_servers: servers() } });
  });
}

async function open(page: Page, ...servers: ModelServerStats[]): Promise<void> {
  await script(page, () => servers);
  const scripted = page.waitForResponse('**/api/cache-stats');
  await page.goto('/dashboard');
  await scripted;
}

// A poll may be under way when a test ends.
test.afterEach(({ page }) => page.unrouteAll({ behavior: 'ignoreErrors' }));

test('one model server is a line among the components, without a section', async ({ page }) => {
  await open(page, FREE);
  const line = page.getByRole('region', { name: 'Model server', exact: true });
  await expect(line).toContainText('Up: gpu-a · Ollama · http://gpu-a.lan:11434 · avg 3.2 s · 42 tokens/s');
  await expect(line.getByRole('table')).toHaveCount(0);
  await expect(section(page)).toHaveCount(0);
  await expect(tile(page, 'Status')).not.toContainText('model server');
});

test('a server of an earlier version lists no model servers, and the page shows none', async ({ page }) => {
  let asked = 0;
  await script(page, () => {
    asked += 1;
    return undefined;
  });
  await page.goto('/dashboard');
  await expect.poll(() => asked).toBeGreaterThan(1);
  await expect(page.getByRole('region', { name: 'Queue', exact: true })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Model server', exact: false })).toHaveCount(0);
});

test('several model servers are listed with their state, work, speed and models', async ({ page }) => {
  await open(page, FREE, BUSY, HOSTED);
  await expect(section(page)).toContainText('3 of 3 up · 7 of 24 running · 3 waiting');
  await expect(row(page, 'gpu-a')).toContainText(
    /gpu-a\s*Ollama · http:\/\/gpu-a\.lan:11434\s+Up\s+1\/4\s+0\s+3\.2 s\s+42\s+llama3\.2:3b, qwen3:8b\s*2 of 14 loaded/,
    INNER,
  );
  await expect(row(page, 'gpu-b')).toContainText(/Busy\s+4\/4\s+3\s+48 s\s+7\.3\s+deepseek-r1:32b/, INNER);
  await expect(row(page, 'api.example.com')).toContainText(/OpenAI-compatible.*84 models/s, INNER);
  await expect(section(page).getByRole('columnheader')).toHaveText([
    'Server',
    'State',
    'Running',
    'Waiting',
    'Average time',
    'Tokens/s',
    'Models',
  ]);
  await expect(tile(page, 'Load')).toContainText('Model: 7 of 24 running');
  await expect(page.getByRole('region', { name: 'Queue', exact: true })).toContainText('/24 running');
  const [queue, servers, chart] = await Promise.all([
    page.getByRole('region', { name: 'Queue', exact: true }).boundingBox(),
    section(page).boundingBox(),
    page.getByRole('figure', { name: 'Requests per second' }).boundingBox(),
  ]);
  expect(queue?.y).toBeLessThan(servers?.y ?? 0);
  expect(servers?.y).toBeLessThan(chart?.y ?? 0);
});

test('a server that is down is named with what to do, and is forgotten when it returns', async ({ page }) => {
  let servers = [FREE, BUSY, HOSTED];
  await script(page, () => servers);
  await page.goto('/dashboard');
  await expect(section(page)).toBeVisible();
  const announced = section(page).getByRole('status');
  await expect(announced).toHaveText('');
  servers = [FREE, BUSY, DOWN, HOSTED];
  await expect(announced).toContainText('gpu-c is down. Requests go to the other model servers.');
  await expect(section(page).getByRole('alert')).toHaveCount(0);
  const todo = section(page).getByRole('listitem');
  await expect(todo).toContainText('gpu-c: Ollama does not answer at http://gpu-c.lan:11434.');
  await expect(todo.locator('code')).toHaveText(['ollama serve', 'OLLAMA_API_URL']);
  await expect(row(page, 'gpu-c')).toContainText(/Down\s+–\s+0\s+–\s+–\s+–/, INNER);
  await expect(tile(page, 'Status')).toContainText('Degraded');
  await expect(tile(page, 'Status')).toContainText('1 of 4 model servers is down: gpu-c');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.emulateMedia({ forcedColors: 'active' });
  expect(await accessibilityFaults(page)).toEqual([]);
  servers = [FREE, BUSY, HOSTED];
  await expect(announced).toHaveText('');
  await expect(tile(page, 'Status')).not.toContainText('Degraded');
});

test('an alert says so when all model servers are down', async ({ page }) => {
  await open(page, DOWN, { ...DOWN, id: '9', name: 'gpu-d', error: null, waiting: 2 });
  const alert = section(page).getByRole('alert');
  await expect(alert).toContainText('All model servers are down. No model can respond');
  await expect(alert.getByRole('listitem')).toHaveText([
    /^gpu-c: Ollama does not answer/,
    'gpu-d: It does not respond. Check that it runs and that http://gpu-c.lan:11434 is its address.',
  ]);
  await expect(section(page)).toContainText('0 of 2 up · 0 of 0 running · 2 waiting');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
});

test('a long list of loaded models is folded, and stays open while figures arrive', async ({ page }) => {
  await open(page, CROWDED, BUSY);
  const fold = row(page, CROWDED.name).locator('summary');
  await expect(fold).toHaveAccessibleName(`37 more on ${CROWDED.name}`);
  const last = page.getByText('some-very-long-model-name-39');
  await expect(last).toBeHidden();
  await fold.click();
  await expect(last).toBeVisible();
  for (const _ of [1, 2]) await page.waitForResponse('**/api/cache-stats');
  await expect(last).toBeVisible();
});

test('the queue names the model server of each request where there are several', async ({ page }) => {
  let servers = [FREE, BUSY];
  await script(page, () => servers);
  await page.route('**/api/chat-queue', async (route) => {
    const response = await route.fetch();
    const processing = [{ request_id: 'aaaaaaaa-1', model: 'm', model_server: 'gpu-a', running_ms: 4_000, tokens: 9 }];
    const waiting = { model: 'n', model_server: 'gpu-b', queue_position: 1, priority: 5, waiting_ms: 2_000 };
    const pending = ['bbbbbbbb-1', 'cccccccc-1'].map((request_id) => ({ request_id, ...waiting }));
    await route.fulfill({ response, json: { ...(await response.json()), queue_length: 2, processing, pending } });
  });
  await page.goto('/dashboard');
  const queue = page.getByRole('region', { name: 'Queue', exact: true });
  await expect(queue.getByRole('row', { name: 'aaaaaaaa' })).toContainText(/Running\s+m on gpu-a/, INNER);
  await expect(queue.getByRole('row', { name: 'cccccccc' })).toContainText(/#1\s+n for gpu-b/, INNER);
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(queue.getByRole('row', { name: 'bbbbbbbb' })).toContainText(
    /#1\s+n for gpu-b · 2 s · priority 5/,
    INNER,
  );
  servers = [FREE];
  await expect(queue).not.toContainText('gpu-');
});

test('the section fits every window, and has no accessibility fault, light and dark', async ({ page }) => {
  await open(page, FREE, BUSY, DOWN, HOSTED, CROWDED);
  await row(page, CROWDED.name).locator('summary').click();
  for (let width = 320; width <= 1440; width += 40) {
    await page.setViewportSize({ width, height: 800 });
    expect.soft(await layoutFaults(page, { leastTarget: 24 }), `${width} px`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(row(page, 'gpu-b')).toContainText(
    /gpu-b\s*Ollama · http:\/\/gpu-b\.lan:11434\s+Busy\s+4 of 4 running · 3 waiting · avg 48 s · 7\.3 tokens\/s/,
    INNER,
  );
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
});

test.describe('on a touch screen', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  test('the fold of loaded models is a target of 40 px', async ({ page }) => {
    await open(page, CROWDED, DOWN);
    await expect(section(page)).toBeVisible();
    for (const width of [320, 360, 390, 430, 600, 768]) {
      await page.setViewportSize({ width, height: 844 });
      expect.soft(await layoutFaults(page, { leastTarget: 40 }), `${width} px`).toEqual([]);
    }
  });
});
