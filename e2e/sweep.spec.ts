import type { Page } from 'playwright/test';
import { type RunningApp, startApp } from '../test/support/running-app.ts';
import { layoutFaults } from './layout-faults.ts';
import { expect, saying, test } from './scripted.ts';
import { ask, responseComplete, responses } from './support.ts';

/**
 * Every page at every size: each page is loaded once, and then the window changes. No size has a
 * page that is wider than its window, or a control that is cut off, out of reach or too small.
 */

/** An app that asks for a key, so that it has a sign-in page. */
const keyed = test.extend<Record<never, never>, { appWithKeys: RunningApp }>({
  appWithKeys: [
    async ({ browserName: _ }, use) => {
      const app = await startApp('server', { API_KEYS: 'correct-horse', LOG_LEVEL: 'silent' });
      await use(app);
      await app.stop();
    },
    { scope: 'worker' },
  ],
  baseURL: async ({ appWithKeys }, use) => use(appWithKeys.url),
});

const PATHS = ['/', '/playground', '/dashboard', '/gateway', '/docs/api', '/nowhere-at-all'];
const LONG = 'pneumonoultramicroscopicsilicovolcanoconiosis'.repeat(3);
const RESPONSE = [
  `## Heading\n\nText with \`code\`, a [link](https://example.com) and ${LONG}.\n\n`,
  '```python\nprint("a line that is wider than any phone, and has to scroll within its own block", 1, 2, 3)\n```\n\n',
  '| first | second | third | fourth |\n| - | - | - | - |\n| a word | another word | some more words | the last words |\n',
];
const TURNS = 8;

const MOUSE = { leastTarget: 24 };
const TOUCH = { leastTarget: 40 };

interface Size {
  width: number;
  height: number;
}

const range = (from: number, to: number, step: number) =>
  Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step);
const WIDTHS: readonly Size[] = range(320, 1440, 20).map((width) => ({ width, height: 800 }));
const SIZES: readonly Size[] = [
  ...WIDTHS,
  ...range(360, 900, 90).flatMap((height) => [390, 844].map((width) => ({ width, height }))),
  // 1280 × 1024 at 200 % and at 400 %.
  { width: 640, height: 512 },
  { width: 320, height: 256 },
];
const TOUCH_SIZES: readonly Size[] = [
  ...[320, 360, 390, 430, 480, 540, 600, 768, 1024].map((width) => ({ width, height: 844 })),
  { width: 667, height: 375 },
  { width: 844, height: 390 },
];

/** The faults of a page at all sizes; each fault once, with the sizes at which it is seen. */
async function sweep(page: Page, sizes: readonly Size[], rules: typeof MOUSE): Promise<string[]> {
  const seen = new Map<string, string[]>();
  for (const size of sizes) {
    await page.setViewportSize(size);
    for (const fault of await layoutFaults(page, rules)) {
      // The number differs from size to size.
      const kind = fault.replace(/-?\d+( × \d+)? px/, '… px');
      seen.set(kind, [...(seen.get(kind) ?? []), `${size.width}×${size.height}: ${fault}`]);
    }
  }
  return [...seen].map(([kind, at]) => `${kind} at ${at.length} sizes, first ${at[0]}, last ${at.at(-1)}`);
}

/** A chat with turns that are off screen. */
async function openLongChat(page: Page): Promise<void> {
  await page.goto('/');
  for (let turn = 0; turn < TURNS; turn++) {
    await ask(page, `Question ${turn} with ${LONG}`);
    await expect(responses(page)).toHaveCount(turn + 1);
    await responseComplete(page);
  }
}

/** Text spacing that a reader may set (WCAG 2.2, 1.4.12). */
async function spaceText(page: Page): Promise<void> {
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`* {
      line-height: 1.5 !important;
      letter-spacing: 0.12em !important;
      word-spacing: 0.16em !important;
    }
    p { margin-bottom: 2em !important; }`);
    document.adoptedStyleSheets.push(sheet);
  });
}

const SPACED_SIZES = [
  { width: 320, height: 640 },
  { width: 390, height: 844 },
  { width: 844, height: 390 },
  { width: 1280, height: 800 },
];

for (const path of PATHS)
  test(`${path} fits every window, also with wide text spacing`, async ({ page }) => {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    // The reference is one long text, which no height changes, and takes long to lay out.
    expect.soft(await sweep(page, path === '/docs/api' ? WIDTHS : SIZES, MOUSE)).toEqual([]);
    await spaceText(page);
    expect.soft(await sweep(page, SPACED_SIZES, MOUSE)).toEqual([]);
  });

test('a long chat fits every window, also with wide text spacing', async ({ page, model }) => {
  model.play(saying(...RESPONSE));
  await openLongChat(page);
  expect.soft(await sweep(page, SIZES, MOUSE)).toEqual([]);
  await spaceText(page);
  expect.soft(await sweep(page, SPACED_SIZES, MOUSE)).toEqual([]);
});

keyed('the sign-in page fits every window', async ({ page }) => {
  await page.goto('/sign-in');
  expect.soft(await sweep(page, SIZES, MOUSE)).toEqual([]);
});

test.describe('on a touch screen', () => {
  test.use({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });

  for (const path of PATHS)
    test(`${path} has targets of 40 px`, async ({ page }) => {
      await page.goto(path);
      await page.waitForLoadState('networkidle');
      expect(await sweep(page, TOUCH_SIZES, TOUCH)).toEqual([]);
    });

  test('a long chat has targets of 40 px', async ({ page, model }) => {
    model.play(saying(...RESPONSE));
    await openLongChat(page);
    expect(await sweep(page, TOUCH_SIZES, TOUCH)).toEqual([]);
  });

  keyed('the sign-in page has targets of 40 px', async ({ page }) => {
    await page.goto('/sign-in');
    expect(await sweep(page, TOUCH_SIZES, TOUCH)).toEqual([]);
  });
});
