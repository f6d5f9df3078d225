import { gzipSync } from 'node:zlib';
import { expect, test } from './support.ts';

/** Runs in the page: the ids that no element has, or more than one. */
function notThereOnce(ids: string[]): string[] {
  return ids.filter((id) => document.querySelectorAll(`[id="${CSS.escape(id)}"]`).length !== 1);
}

test('the reference has every operation, with anchors, and comes from the page itself', async ({ page, request }) => {
  const document = await (await request.get('/api/openapi.json')).json();
  await page.goto('/docs/api');
  const operations = Object.values<Record<string, { operationId: string }>>(document.paths).flatMap((methods) =>
    Object.values(methods),
  );
  expect(operations.length).toBeGreaterThan(40);
  await page.mouse.move(200, 200);
  const anchors = [
    ...operations.map(({ operationId }) => operationId),
    ...Object.keys(document.components.schemas).map((name) => `schema-${name}`),
  ];
  await expect.poll(() => page.evaluate(notThereOnce, anchors)).toEqual([]);
});

/** Compressed, with room for some more operations. */
const MAX_DOCUMENT_BYTES = 70_000;

test('the document has each operation once, and no schema', async ({ request }) => {
  const html = await (await request.get('/docs/api', { headers: { accept: 'text/html' } })).text();
  expect(gzipSync(html).length).toBeLessThan(MAX_DOCUMENT_BYTES);
  // The payload for hydration would repeat it.
  const document = await (await request.get('/api/openapi.json')).json();
  expect(html.split(document.paths['/api/v1/code/run'].post.summary)).toHaveLength(2);
  expect(html).not.toContain('id="schema-CodeResult"');
  expect(html).toContain('href="/docs/api?part=schemas"');
});

test('the schemas are fetched with the first input', async ({ page }) => {
  let fetched = 0;
  page.on('request', (request) => {
    if (request.url().includes('part=schemas')) fetched += 1;
  });
  await page.goto('/docs/api');
  await page.waitForLoadState('networkidle');
  await expect(page.getByRole('link', { name: 'Show the schemas' })).toBeAttached();
  expect(fetched).toBe(0);
  // A key that comes before the page's scripts is not seen.
  await expect(async () => {
    await page.keyboard.press('Control+f');
    await expect(page.locator('#schema-CodeResult')).toBeAttached({ timeout: 2_000 });
  }).toPass();
  await expect(page.getByRole('link', { name: 'Show the schemas' })).toHaveCount(0);
  expect(fetched).toBe(1);
});

test('a page of the schemas alone is there for readers without scripts', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, ...(baseURL === undefined ? {} : { baseURL }) });
  const page = await context.newPage();
  await page.goto('/docs/api');
  await page.getByRole('link', { name: 'Show the schemas' }).click();
  await expect(page.getByRole('heading', { name: 'CodeResult', exact: true })).toBeVisible();
  await page.getByRole('link', { name: 'Operations' }).click();
  await expect(page.getByRole('article', { name: '/api/v1/code/run' })).toBeVisible();
  await context.close();
});

test('the reference is there again after a way through other pages', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/docs/api');
  const run = page.getByRole('article', { name: '/api/v1/code/run' });
  await expect(run).toBeVisible();
  await page.mouse.move(200, 200);
  await expect(page.locator('#schema-CodeResult')).toBeAttached();
  const gateway = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Gateway' });
  await gateway.click();
  await expect(page).toHaveURL(/gateway$/);
  await page.goBack();
  await expect(run).toBeVisible();
  await expect(page.locator('#schema-CodeResult')).toHaveCount(1);
  await gateway.click();
  await expect(page).toHaveURL(/gateway$/);
  await page.getByRole('link', { name: 'API reference' }).click();
  await expect(run).toBeVisible();
  await expect(page.locator('#schema-CodeResult')).toHaveCount(1);
});

test('contents and schemas are one click away', async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto('/docs/api');
  await page.getByRole('navigation', { name: 'Contents' }).getByRole('link', { name: '/api/v1/code/run' }).click();
  const run = page.getByRole('article', { name: '/api/v1/code/run' });
  await expect(run.getByRole('heading', { level: 3 })).toBeInViewport();
  // The bar stays: only what is below it scrolls.
  await expect(page.getByRole('heading', { name: 'API', exact: true })).toBeInViewport();
  await run.getByRole('link', { name: 'CodeResult' }).first().click();
  await expect(page).toHaveURL(/#schema-CodeResult$/);
  await expect(page.getByRole('heading', { name: 'CodeResult', exact: true })).toBeInViewport();
});

declare global {
  interface Window {
    /** In no standard, and so not in the types; every browser has it. */
    find(text: string, caseSensitive: boolean, backwards: boolean): boolean;
  }
}

test('what is far down is there for a link and for the search of the browser, though it is not drawn yet', async ({
  page,
}) => {
  await page.goto('/docs/api#schema-CodeResult');
  await expect(page.getByRole('heading', { name: 'CodeResult', exact: true })).toBeInViewport();
  const first = page.getByRole('figure').first();
  await expect(first).not.toBeInViewport();
  const words = await first.locator('figcaption').textContent();
  const found = await page.evaluate((text) => window.find(text, false, true), `${words}`);
  expect(found).toBe(true);
});

test('an example is copied as it stands, and names this server', async ({ page, context, baseURL }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/docs/api');
  await page.getByRole('button', { name: 'Copy the example: A complete response as JSON' }).first().click();
  await expect(page.getByRole('button', { name: 'Copied' })).toBeVisible();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain(`curl '${baseURL}/api/chat-optimized'`);
  expect(copied).toContain('"stream":false');
});

test('examples are shown in three languages, and the choice is kept', async ({ page, baseURL }) => {
  await page.goto('/docs/api');
  const code = page.getByRole('article', { name: '/api/v1/code/run' }).locator('pre').first();
  await expect(code).toContainText('curl ');
  await page.getByRole('combobox', { name: 'Language of the examples' }).click();
  await page.getByRole('option', { name: 'Python' }).click();
  await expect(code).toContainText(`urllib.request.Request(\n    "${baseURL}/api/v1/code/run"`);
  await page.reload();
  await expect(code).toContainText('import urllib.request');
});

test('operations are filtered by words, and errors are described once', async ({ page }) => {
  await page.goto('/docs/api');
  const filter = page.getByRole('searchbox', { name: 'Filter operations' });
  await filter.fill('queue cancel');
  await expect(page.getByRole('article')).toHaveCount(1);
  await expect(page.getByRole('article', { name: 'DELETE /api/chat-queue' })).toBeVisible();
  // The contents list what is left, with its group.
  const contents = page.getByRole('navigation', { name: 'Contents' });
  await expect(contents.getByRole('link')).toHaveText(['Queue', /^DELETE/]);
  await filter.fill('ignored');
  const chat = page.getByRole('article', { name: '/api/chat-optimized' });
  await expect(chat.getByText('Header X-Ignored-Fields:')).toBeVisible();
  await filter.fill('no such thing');
  const reference = page.getByRole('region', { name: 'API reference' });
  await expect(reference.getByRole('status')).toContainText('No operation matches “no such thing”.');
  await expect(page.getByRole('heading', { level: 2 })).toHaveCount(0);
  await expect(contents.getByRole('link')).toHaveCount(0);
  await page.getByRole('button', { name: 'Clear filter' }).click();
  await expect(filter).toBeFocused();
  await expect(contents.getByRole('link', { name: 'Schemas' })).toBeVisible();
  const run = page.getByRole('article', { name: '/api/v1/code/run' });
  await run.getByRole('link', { name: 'runner_busy' }).click();
  await expect(page.getByText('Too many programs wait.')).toBeInViewport();
});

test('a phone has the contents in a drawer', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/docs/api');
  await page.getByRole('button', { name: 'Contents' }).click();
  const contents = page.getByRole('dialog', { name: 'Contents' });
  await contents.getByRole('link', { name: '/api/v1/code/run' }).click();
  await expect(contents).toBeHidden();
  await expect(
    page.getByRole('article', { name: '/api/v1/code/run' }).getByRole('heading', { level: 3 }),
  ).toBeInViewport();
});

test('the palette leads there', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(page.getByRole('heading', { name: 'Status', exact: true })).toBeVisible();
  await page.keyboard.press('ControlOrMeta+k');
  await page.getByRole('combobox', { name: 'Search commands and chats' }).fill('api');
  await page.keyboard.press('Enter');
  // The longest page of all.
  await expect(page.getByRole('heading', { name: 'API', exact: true })).toBeVisible({ timeout: 60_000 });
});
