import type { Page } from 'playwright/test';
import type { InstanceStats, ServerStats } from '../lib/wire/server-stats.ts';
import { layoutFaults } from './layout-faults.ts';
import { accessibilityFaults, accessibilityFaultsInBoth, expect, test } from './support.ts';

/** What the dashboard shows of several instances over a Redis; their figures are scripted. */

const ago = (seconds: number) => new Date(Date.now() - 1_000 * seconds).toISOString();
const A: InstanceStats = {
  ...{ id: 'a', name: 'chill-space-7d9f8c-abcde:3000', version: '0.1.0', state: 'ready', is_responding: true },
  ...{ started_at: ago(7_500), seen_at: ago(0), requests: 12_345, running: 3, waiting: 2, rss_mb: 214.6 },
};
const B: InstanceStats = {
  ...{ ...A, id: 'b', name: 'chill-space-7d9f8c-fghij:3000', is_responding: false, requests: 1, running: 1 },
  ...{ waiting: 0, started_at: ago(40) },
};
const STOPPING: InstanceStats = { ...B, id: 'c', name: 'chill-space-older:3000', version: '0.0.9', state: 'stopping' };
const LOST: InstanceStats = {
  ...{ ...B, id: 'd', name: 'a-very-long-name-of-a-machine-that-does-not-fit-anywhere.internal.example.com:3000' },
  ...{ state: 'lost', seen_at: ago(75), running: 0 },
};

const section = (page: Page) => page.getByRole('region', { name: 'Instances', exact: true });
const row = (page: Page, name: string) => section(page).getByRole('row', { name });
const tile = (page: Page, name: string) => page.getByRole('article', { name });
/** Without what is hidden at this width. */
const INNER = { useInnerText: true };

async function script(page: Page, fields: () => Partial<ServerStats>): Promise<void> {
  await page.route('**/api/cache-stats', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), ...fields() } });
  });
}

async function open(page: Page, ...instances: InstanceStats[]): Promise<void> {
  await script(page, () => ({ scope: 'cluster', queue_length: 2, instances }));
  const scripted = page.waitForResponse('**/api/cache-stats');
  await page.goto('/dashboard');
  await scripted;
}

// A poll may be under way when a test ends.
test.afterEach(({ page }) => page.unrouteAll({ behavior: 'ignoreErrors' }));

test('a server without Redis has no instances, and its own uptime and memory', async ({ page }) => {
  await page.goto('/dashboard');
  await expect(page.getByRole('region', { name: 'Server', exact: true })).toContainText('Uptime');
  await expect(section(page)).toHaveCount(0);
  await expect(page.getByText('This instance only')).toHaveCount(0);
});

test('instances are listed with their state, uptime, work and memory', async ({ page }) => {
  await open(page, A, B, STOPPING);
  await expect(section(page)).toContainText('3 instances · 5 running · 2 waiting');
  await expect(row(page, A.name)).toContainText(
    /Version 0\.1\.0 · serves this page\s+Ready\s+2 h \d+ min\s+12,345\s+3\s+2\s+215 MB/,
    INNER,
  );
  await expect(row(page, B.name)).toContainText(/Version 0\.1\.0\s+Ready\s+[\d mins]+\s+1\s+1\s+0\s+215 MB/, INNER);
  await expect(row(page, STOPPING.name)).toContainText(/Version 0\.0\.9\s+Stopping/, INNER);
  await expect(section(page).getByRole('columnheader')).toHaveText([
    'Instance',
    'State',
    'Uptime',
    'Requests',
    'Running',
    'Waiting',
    'Memory',
  ]);
  await expect(tile(page, 'Status')).toContainText('3 instances');
  await expect(tile(page, 'Latency')).not.toContainText(/Last 1,000 responses$/);
  await expect(page.getByRole('region', { name: 'All instances', exact: true })).not.toContainText('Uptime');
  await expect(page.getByRole('figure', { name: 'Memory of all instances (RSS)' })).toBeVisible();
});

test('an instance that is lost is named with what to do, and the status says so until it is back', async ({ page }) => {
  let instances = [A, B];
  await script(page, () => ({ scope: 'cluster', instances }));
  await page.goto('/dashboard');
  const announced = section(page).getByRole('status');
  await expect(announced).toHaveText('');
  instances = [A, B, LOST];
  await expect(announced).toContainText(`${LOST.name} is lost: it reports nothing any more, and was not stopped.`);
  await expect(section(page).getByRole('alert')).toHaveCount(0);
  await expect(row(page, LOST.name)).toContainText(/last seen \d min[ \ds]* ago\s+Lost\s+–\s+–\s+–\s+–\s+–/, INNER);
  await expect(tile(page, 'Status')).toContainText(`1 instance is lost: ${LOST.name}`);
  await expect(tile(page, 'Status')).toContainText('2 instances');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.emulateMedia({ forcedColors: 'active' });
  expect(await accessibilityFaults(page)).toEqual([]);
  instances = [A, B];
  await expect(announced).toHaveText('');
  await expect(tile(page, 'Status')).not.toContainText('lost');
});

test('figures of one instance are marked while Redis does not respond', async ({ page }) => {
  let scope: ServerStats['scope'] = 'cluster';
  await script(page, () => ({ scope, instances: scope === 'cluster' ? [A, B] : [A] }));
  await page.goto('/dashboard');
  await expect(section(page)).toContainText('2 instances');
  const notice = page.getByText('This instance only: Redis does not respond.');
  await expect(notice).toHaveCount(0);
  scope = 'instance';
  await expect(notice).toBeVisible();
  await expect(page.getByText(`All figures are those of ${A.name} until it does.`)).toBeVisible();
  const [above, below] = await Promise.all([notice.boundingBox(), tile(page, 'Status').boundingBox()]);
  expect(above?.y).toBeLessThan(below?.y ?? 0);
  await expect(section(page)).toContainText('1 instance ·');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  scope = 'cluster';
  await expect(notice).toHaveCount(0);
});

test('the section fits every window, and has no accessibility fault, light and dark', async ({ page }) => {
  await open(page, A, B, STOPPING, LOST);
  await expect(section(page)).toBeVisible();
  for (let width = 320; width <= 1440; width += 40) {
    await page.setViewportSize({ width, height: 800 });
    expect.soft(await layoutFaults(page, { leastTarget: 24 }), `${width} px`).toEqual([]);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(row(page, A.name)).toContainText(
    /Ready\s+up 2 h \d+ min · 12,345 requests · 3 running · 2 waiting · 215 MB/,
    INNER,
  );
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
});
