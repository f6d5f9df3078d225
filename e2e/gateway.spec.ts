import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page, test } from 'playwright/test';
import { freePort } from '../test/support/free-port.ts';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { accessibilityFaultsInBoth, test as watched } from './support.ts';

watched('a gateway without a backend says what to set', async ({ page }) => {
  await page.goto('/gateway');
  await expect(page.getByRole('heading', { name: 'No backend configured' })).toBeVisible();
  await expect(page.getByText('PRIVATE_BACKEND_URL=')).toBeVisible();
  await expect(page.getByText('HF_TOKEN=')).toBeVisible();
});

watched('the gateway is found by the palette', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('ControlOrMeta+k');
  await page.getByRole('combobox', { name: 'Search commands and chats' }).fill('gate');
  await page.getByRole('option', { name: 'Gateway' }).click();
  await expect(page).toHaveURL(/\/gateway$/);
});

test.describe('with a backend', () => {
  let backend: Server;
  let app: RunningApp;

  test.beforeAll(async () => {
    backend = createServer((incoming, outgoing) => {
      outgoing.statusCode = incoming.url === '/broken' ? 503 : 200;
      outgoing.end('hello from the backend');
    });
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    const gone = await freePort();
    app = await startApp('server', {
      PRIVATE_BACKEND_URL: `http://127.0.0.1:${port},http://127.0.0.1:${gone}`,
      HF_TOKEN: 'hf_neverShownToAnyone',
      LOG_LEVEL: 'warn',
    });
  });

  test.afterAll(async () => {
    await app.stop();
    backend.closeAllConnections();
    backend.close();
  });

  test('the page counts what passes, live, and names what is down', async ({ page, request }) => {
    await page.goto(`${app.url}/gateway`);
    const status = page.getByRole('article', { name: 'Status' });
    await expect(status).toContainText('down: connection refused');
    await expect(status).toContainText('Partly up');
    await expect(status).toContainText('Backends: 1 of 2 up');
    const before = await total(page);
    expect(await (await request.get(`${app.url}/anything?x=1`)).text()).toBe('hello from the backend');
    expect(await (await request.get(`${app.url}/gateway/health`)).text()).toBe('hello from the backend');
    expect((await request.get(`${app.url}/broken`)).status()).toBe(503);
    await expect.poll(() => total(page)).toBe(before + 3);
    await expect(page.getByRole('row', { name: /^503/ }).getByRole('cell')).toHaveText('1');
    await expect(page.getByRole('article', { name: 'Success rate' })).toContainText('67%');
    // A share that is small is seen too: the scale follows the values.
    const errors = page.getByRole('figure', { name: 'Error rate' });
    await errors.scrollIntoViewIfNeeded();
    await expect(errors.getByRole('cell').last()).toHaveText(/^\d+(\.\d)?%$/);
    expect(await page.content()).not.toContain('hf_neverShownToAnyone');
  });

  for (const width of [1440, 390])
    test(`the page has no accessibility fault, ${width} px wide`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width, height: 800 });
      await page.goto(`${app.url}/gateway`);
      await expect(page.getByRole('region', { name: 'Backends', exact: true })).toBeVisible();
      expect(await accessibilityFaultsInBoth(page)).toEqual([]);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow).toBeLessThanOrEqual(0);
    });
});

async function total(page: Page): Promise<number> {
  const text = await page.getByText(/^[\d,]+ requests since start/).innerText();
  return Number(/^[\d,]+/.exec(text)?.[0].replaceAll(',', ''));
}
