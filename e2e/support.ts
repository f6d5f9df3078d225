import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from 'playwright/test';

/**
 * Every test also fails for what no page may do: an error in the console (a breach of the content
 * security policy is one), an exception, or a request to another host.
 */
export const test = base.extend<{ watch: undefined; expectedErrors: RegExp | undefined }>({
  page: async ({ page }, use) => {
    const goto = page.goto.bind(page);
    page.goto = async (url, options) => {
      const response = await goto(url, options);
      await page.waitForFunction(isAlive);
      return response;
    };
    await use(page);
  },
  /** Lines in the console that a test provokes on purpose. */
  expectedErrors: [undefined, { option: true }],
  watch: [
    async ({ page, baseURL, expectedErrors }, use) => {
      const troubles: string[] = [];
      page.on('console', (message) => {
        if (message.type() !== 'error' || isRefusal(message.text())) return;
        if (expectedErrors?.test(message.text()) !== true) troubles.push(`console: ${message.text()}`);
      });
      page.on('pageerror', (error) => troubles.push(`exception: ${error.message}`));
      page.on('request', (request) => {
        const { protocol, origin } = new URL(request.url());
        if (/^(https?|wss?):$/.test(protocol) && origin !== baseURL) troubles.push(`request to ${origin}`);
      });
      await use(undefined);
      expect(troubles).toEqual([]);
    },
    { auto: true },
  ],
});

/**
 * Runs in the page: whether React has taken over what the server rendered, and its effects have
 * run. A page has loaded before that, and what is pressed then is pressed in vain.
 */
async function isAlive(): Promise<boolean> {
  const taken = (element: Element | null) =>
    element === null || Object.keys(element).some((key) => key.startsWith('__reactFiber'));
  const isPlain = location.pathname === '/docs/api';
  const isTaken =
    taken(document.querySelector('header button')) &&
    (isPlain || taken(document.querySelector('main button, main textarea, main input')));
  if (isTaken) await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  return isTaken;
}

/**
 * Chromium writes a line for every response of 4xx and 5xx; what the page makes of it is what the
 * tests look at.
 */
function isRefusal(text: string): boolean {
  return (
    text.startsWith('Failed to load resource: the server responded with a status of') || text.includes('net::ERR_')
  );
}

export { expect };

type AxeResults = Awaited<ReturnType<AxeBuilder['analyze']>>;

declare global {
  interface Window {
    axe: { run(context: Document, options: object): Promise<AxeResults> };
  }
}

/**
 * Accessibility faults of WCAG 2.2 AA that axe finds, as readable lines. The pages frame nothing
 * that has content. Base UI's guards pass the focus on at once; axe allows them where it sees that
 * a modal popup is open, which it infers from a few points of the window.
 */
export function accessibilityFaults(page: Page): Promise<string[]> {
  return faultsOf(page, { type: 'tag', values: TAGS });
}

async function faultsOf(page: Page, runOnly: object): Promise<string[]> {
  // The builder leaves axe in the page. To ask it there takes a fifth of the time of another
  // builder.
  if (await page.evaluate(() => window.axe === undefined))
    await new AxeBuilder({ page }).setLegacyMode().withRules('document-title').analyze();
  const { violations } = await page.evaluate(async (rules) => {
    // A colour half-way to another one has another contrast. A new element begins to move with the
    // next frame.
    for (let moving: Animation[] | undefined; moving?.length !== 0; ) {
      await Promise.allSettled((moving ?? []).map(({ finished }) => finished));
      await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
      moving = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    }
    return window.axe.run(document, { runOnly: rules, resultTypes: ['violations'] });
  }, runOnly);
  return violations.flatMap(({ id, help, nodes }) =>
    nodes
      .filter(({ target }) => id !== 'aria-hidden-focus' || !target.join(' ').includes('data-base-ui-focus-guard'))
      .map((node) => `${id}: ${help} (${node.target.join(' ')})`),
  );
}

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
/** Those that colours decide. The others find the same in the other appearance. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

/**
 * The faults of a state as it stands, light and dark. The page is left in the one that it was not
 * in.
 */
export async function accessibilityFaultsInBoth(page: Page): Promise<string[]> {
  const isDark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches);
  const here = await accessibilityFaults(page);
  await page.emulateMedia({ colorScheme: isDark ? 'light' : 'dark', reducedMotion: 'reduce' });
  const there = await faultsOf(page, { type: 'rule', values: OF_COLOURS });
  return [
    ...here.map((fault) => `${isDark ? 'dark' : 'light'}: ${fault}`),
    ...there.map((fault) => `${isDark ? 'light' : 'dark'}: ${fault}`),
  ];
}

/** Goes on after a fault, so that one run reports all states that have one. */
export async function lookWithAxe(page: Page, state: string): Promise<void> {
  expect.soft(await accessibilityFaultsInBoth(page), state).toEqual([]);
}

/** A question that no earlier test has asked, so that its response is not in the cache. */
export function freshQuestion(about: string): string {
  return `${about} (${Math.random().toString(36).slice(2, 8)})`;
}

/** Asks as soon as the page is alive: a button that can be pressed says that it is. */
export async function ask(page: Page, question: string): Promise<void> {
  await expect(async () => {
    await page.getByRole('textbox', { name: 'Message' }).fill(question);
    await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeEnabled({ timeout: 1000 });
  }).toPass();
  await page.keyboard.press('Enter');
}

/** The line in which the editor writes. It moves there after it has the focus. */
export function lineOfCaret(page: Page): Promise<string> {
  return page.evaluate(() => {
    const node = getSelection()?.anchorNode ?? null;
    const element = node instanceof Element ? node : (node?.parentElement ?? null);
    return element?.closest('.cm-line')?.textContent ?? '';
  });
}

export function responses(page: Page) {
  return page.getByRole('article', { name: 'Answer' });
}

/** Waits until the newest response is complete. */
export async function responseComplete(page: Page): Promise<void> {
  await expect(responses(page).last()).toHaveAttribute('aria-busy', 'false', { timeout: 90_000 });
}
