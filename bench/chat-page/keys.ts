/** How soon a page shows what is typed and pasted into it. */
import type { Page } from 'playwright/test';

export const KEYS = 200;
const KEY_EVERY_MS = 30;

/**
 * Types, pastes `lines` and types again into the message field of an open chat, which `observe`
 * watches.
 */
export async function measureKeys(
  page: Page,
  lines: number,
): Promise<{ keyMs: number; pasteMs: number; keyAfterPasteMs: number }> {
  await page.getByRole('textbox', { name: 'Message' }).click();
  const keyMs = await typeKeys(page);
  const pasteMs = await page.evaluate(paste, lines);
  const keyAfterPasteMs = await typeKeys(page);
  return { keyMs, pasteMs, keyAfterPasteMs };
}

/** Types into the focused field. Returns the 98th percentile of the times to the next paint. */
async function typeKeys(page: Page): Promise<number> {
  await page.evaluate(() => {
    window.bench.interactions = new Map();
  });
  await page.keyboard.type('words '.repeat(KEYS / 6), { delay: KEY_EVERY_MS });
  await page.waitForTimeout(500);
  return await page.evaluate((keys) => {
    // A quick interaction has no entry.
    const times = [...(window.bench.interactions ?? new Map<number, number>()).values()];
    const all = [...times, ...Array.from({ length: Math.max(0, keys - times.length) }, () => 0)];
    return all.sort((a, b) => a - b)[Math.floor(all.length * 0.98)] ?? 0;
  }, KEYS);
}

/** Runs in the page: pastes lines into the focused field. Returns the time to the next paint. */
async function paste(lines: number): Promise<number> {
  const data = new DataTransfer();
  data.setData('text/plain', Array.from({ length: lines }, (_, line) => `${line} a line of a log`).join('\n'));
  const started = performance.now();
  document.activeElement?.dispatchEvent(
    new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
  );
  const painted = () => new Promise<void>((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  for (;;) {
    await painted();
    if (document.querySelector('form')?.textContent?.includes('lines') === true) return performance.now() - started;
    if (performance.now() - started > 10_000) throw new Error('The pasted text is not shown.');
  }
}
