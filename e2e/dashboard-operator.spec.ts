import { expect, type Page, test } from 'playwright/test';
import {
  type FaultyModelServer,
  ollama,
  type Script,
  startFaultyModelServer,
} from '../test/support/faulty-model-server.ts';
import { freePort } from '../test/support/free-port.ts';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { accessibilityFaultsInBoth } from './support.ts';

/** One server with one slot, from its first second to its end. The tests go on from one another. */
test.describe.configure({ mode: 'serial' });

let model: FaultyModelServer;
let app: RunningApp;
let settings: Record<string, string>;

test.beforeAll(async () => {
  model = await startFaultyModelServer();
  settings = {
    PORT: String(await freePort()),
    ...{ MODEL_PROVIDER: 'ollama', OLLAMA_API_URL: model.url, OLLAMA_MODEL: 'test', LOG_LEVEL: 'silent' },
    QUEUE_MAX_CONCURRENT: '1',
  };
  app = await startApp('server', settings);
});

test.afterAll(async () => {
  await app.stop();
  await model.close();
});

const WORDS: Script = [{ send: ollama.text('a ') }, { send: ollama.text('b ') }];
/** Without what is hidden at this width. */
const INNER = { useInnerText: true };
const queue = (page: Page) => page.getByRole('region', { name: 'Queue', exact: true });
const chart = (page: Page, title: string) => page.getByRole('figure', { name: title });

async function enqueue(content: string, priority = 5): Promise<string> {
  const response = await fetch(`${app.url}/api/chat-queue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ priority, messages: [{ role: 'user', content }] }),
  });
  return (await response.json()).request_id;
}

/** The layout shifts of the page so far, added up. */
async function watchShifts(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    const seen = { shift: 0 };
    Object.assign(window, { seen });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) seen.shift += Reflect.get(entry, 'value');
    }).observe({ type: 'layout-shift', buffered: true });
  });
  return async () => Number(await page.evaluate(() => Reflect.get(Reflect.get(window, 'seen'), 'shift')));
}

test('a server that has just started says why its charts are empty, and nothing moves at 1024 px', async ({ page }) => {
  await page.setViewportSize({ width: 1024, height: 768 });
  const shifts = await watchShifts(page);
  await page.goto(`${app.url}/dashboard`);
  await expect(page.getByRole('article', { name: 'Status' })).toContainText(/Up\s*\d/);
  await expect(page.getByRole('article', { name: 'Load' })).toContainText('Cache: 0 of 256 MB');
  await expect(queue(page)).toContainText('0/1 running · 0/100 queued · estimate 30 s (default)');
  await expect(queue(page)).toContainText('Queue is empty.');
  await expect(chart(page, 'Requests per second')).toContainText('No requests in this range');
  await expect(chart(page, 'Requests per second').locator('canvas')).toBeVisible();
  // Two rounds of live figures.
  await page.waitForTimeout(4_500);
  expect(await shifts()).toBeLessThan(0.001);
  const [left, right] = await Promise.all(
    ['Requests per second', 'Tokens per second'].map((title) => chart(page, title).boundingBox()),
  );
  expect(left?.height).toBe(right?.height);
});

test('a busy queue stands above the charts, and a request in it is cancelled by name', async ({ page }) => {
  model.play([...WORDS, 'hang']);
  const ids: string[] = [];
  for (const content of ['one', 'two', 'three', 'four', 'five', 'six']) ids.push(await enqueue(content));
  const [running = '', first = ''] = ids.map((id) => id.slice(0, 8));
  await page.goto(`${app.url}/dashboard`);
  const row = (id: string) => queue(page).getByRole('row', { name: id });
  await expect(row(running)).toContainText(/Running\s+test:latest\s+(<1 s|\d+ s)\s+2\s+–/, INNER);
  await expect(row(first)).toContainText(/#1\s+test:latest\s+(<1 s|\d+ s)\s+–\s+5/, INNER);
  await expect(queue(page)).toContainText('1/1 running · 5/100 queued');
  await expect(page.getByRole('article', { name: 'Load' })).toContainText('5queued');
  const top = async (locator: ReturnType<typeof chart>) => (await locator.boundingBox())?.y ?? Number.NaN;
  expect(await top(queue(page))).toBeLessThan(await top(chart(page, 'Requests per second')));

  const cancel = row(first).getByRole('button', { name: `Cancel request ${first}` });
  const dialog = page.getByRole('alertdialog');
  await cancel.click();
  await expect(dialog).toContainText(
    new RegExp(`${first} · test:latest · queued for .*The user gets no further output`),
  );
  await dialog.getByRole('button', { name: 'Keep waiting' }).click();
  await expect(dialog).toBeHidden();
  await expect(row(first)).toBeVisible();
  await cancel.click();
  await dialog.getByRole('button', { name: 'Cancel request' }).click();
  await expect(page.getByText(`Request ${first} cancelled.`).first()).toBeVisible();
  await expect(row(first)).toBeHidden();
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);

  await test.step('on a phone: two lines a request, buttons with words, no sideways scrolling', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    const second = row(ids[2]?.slice(0, 8) ?? '');
    await expect(second).toContainText(/#1\s+test:latest · (<1 s|\d+ s) · priority 5/, INNER);
    const { height = 0 } = (await second.boundingBox()) ?? {};
    expect(height).toBeGreaterThan(36);
    expect(height).toBeLessThan(72);
    for (const name of ['Clear cache', 'Load model']) {
      const button = page.getByRole('button', { name, exact: true });
      await expect(button).toBeInViewport({ ratio: 1 });
      expect((await button.boundingBox())?.width).toBeGreaterThan(50);
    }
    for (const width of [320, 360, 390, 430, 520, 640, 768]) {
      await page.setViewportSize({ width, height: 700 });
      const overflow = () =>
        page
          .locator('main, main .scroller')
          .evaluateAll((elements) => elements.map(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth));
      await expect.poll(async () => Math.max(...(await overflow())), `${width} px`).toBeLessThanOrEqual(0);
    }
  });
  for (const id of ids) await fetch(`${app.url}/api/chat-queue?requestId=${id}`, { method: 'DELETE' });
  await model.idle();
});

test('a page that is opened later has what happened before: traffic, errors, cancels, hits', async ({ page }) => {
  const chat = (content: string) =>
    fetch(`${app.url}/api/chat-optimized`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ stream: false, messages: [{ role: 'user', content }] }),
    });
  model.choose((body) =>
    JSON.stringify(body).includes('fail') ? [{ status: 400 }] : [...WORDS, { send: ollama.done() }],
  );
  await chat('hello');
  await chat('hello');
  expect((await chat('fail')).ok).toBe(false);
  await expect
    .poll(
      async () => {
        const { server } = await (await fetch(`${app.url}/api/stats/history?range=1h`)).json();
        return server.cache_hit_rate.some((rate: number | null) => (rate ?? 0) > 0);
      },
      { timeout: 20_000 },
    )
    .toBe(true);
  await page.route('**/api/stats/history*', (route) => route.abort('connectionrefused'));
  await page.goto(`${app.url}/dashboard`);
  await expect(page.getByRole('article', { name: 'Traffic' })).toContainText(/Error rate [1-9]/);
  for (const title of [
    'Requests per second',
    'Tokens per second',
    'Time to first token',
    'Total response time',
    'Error rate',
    'Failed and cancelled requests',
    'Cache hit rate',
  ]) {
    await chart(page, title).scrollIntoViewIfNeeded();
    await expect(chart(page, title).getByRole('row').nth(1)).toBeAttached();
    await expect(chart(page, title)).not.toContainText('in this range');
  }
  await expect(chart(page, 'Code run time')).toContainText('No code runs in this range');
  await expect(queue(page)).toContainText(/· avg \d/);
  await page.unroute('**/api/stats/history*');

  await test.step('the range is kept in the address', async () => {
    const range = page.getByRole('group', { name: 'Time range' });
    await range.getByRole('button', { name: '24 h' }).click();
    await expect(page).toHaveURL(/\/dashboard\?range=24h$/);
    await page.reload();
    await expect(range.getByRole('button', { name: '24 h' })).toHaveAttribute('aria-pressed', 'true');
    await range.getByRole('button', { name: '5 min' }).click();
    await expect(page).toHaveURL(/\/dashboard\?range=5m$/);
    await expect(range.getByRole('button', { name: '5 min' })).toHaveAttribute('aria-pressed', 'true');
  });
});

test('figures turn grey soon after the server’s end, and live again with the next', async ({ page }) => {
  await page.goto(`${app.url}/dashboard?range=5m`);
  await expect(page.getByText('Live', { exact: true })).toBeVisible();
  await chart(page, 'Server memory (RSS)').scrollIntoViewIfNeeded();
  const rows = chart(page, 'Server memory (RSS)').getByRole('row');
  await expect.poll(() => rows.count()).toBeGreaterThan(1);
  const before = await rows.count();
  await app.stop(0);
  await expect(page.locator('[data-stale=true]')).toBeVisible();
  await expect(page.getByRole('article', { name: 'Status' })).toContainText('Unknown');
  await expect(page.getByText('Showing the last known data.')).toBeVisible();
  await expect(page.getByText(/^Updated (\d+ s|less than a second) ago$/)).toBeVisible();
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  app = await startApp('server', settings);
  await expect(page.getByText('Live', { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.locator('[data-stale=false]')).toBeVisible();
  // The points from before are kept; that of the interval in progress makes room for the next.
  await expect.poll(() => rows.count(), { timeout: 20_000 }).toBeGreaterThanOrEqual(Math.min(before, 8));
});
