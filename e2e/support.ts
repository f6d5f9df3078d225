import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type Page } from 'playwright/test';

/**
 * Every test also fails for what no page may do: an error in the console (a breach of the content security policy is
 * one), an exception, or a request to another host.
 */
export const test = base.extend<{ watch: undefined; expectedErrors: RegExp | undefined }>({
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

/** Chromium writes a line for every answer of 4xx and 5xx; what the page makes of it is what the tests look at. */
function isRefusal(text: string): boolean {
  return (
    text.startsWith('Failed to load resource: the server responded with a status of') || text.includes('net::ERR_')
  );
}

export { expect };

/** Accessibility faults of WCAG 2.2 AA that axe finds, as readable lines. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help} (${node.target.join(' ')})`));
}

/** A question that nobody has asked before, so that no earlier test has put its answer into the cache. */
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

export function answers(page: Page) {
  return page.getByRole('article', { name: 'Answer' });
}

/** Waits until the newest answer is complete. */
export async function answered(page: Page): Promise<void> {
  await expect(answers(page).last()).toHaveAttribute('aria-busy', 'false', { timeout: 90_000 });
}
