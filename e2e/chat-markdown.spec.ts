import type { Page } from 'playwright/test';
import { ATTACKS, CORPUS } from './markdown-corpus.ts';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaults, ask, freshQuestion, responseComplete, responses } from './support.ts';

/**
 * What each response is on the page, without what React names by itself, once all that is drawn
 * later is there.
 */
async function shown(page: Page): Promise<string[]> {
  const all = responses(page);
  // Until KaTeX is there, formulas stand as they were written.
  await expect(all.locator('.katex')).toHaveCount(6);
  await expect(all.getByText('this formula has a mistake')).toBeVisible();
  await expect(all.getByRole('img', { name: /^Diagram/ })).toBeVisible();
  return all.evaluateAll((articles) =>
    articles.map((article) =>
      (article.querySelector('.prose')?.innerHTML ?? '').replaceAll(
        / (id|for|aria-describedby|aria-controls)="[^"]*"| href="#[^"]*"/g,
        '',
      ),
    ),
  );
}

test('what streamed in character by character is what is rendered at once', async ({ page, model }) => {
  test.setTimeout(300_000);
  const texts = Object.entries(CORPUS);
  await page.goto('/');
  for (const [name, markdown] of texts) {
    model.play(saying(...markdown));
    await ask(page, freshQuestion(name));
    await responseComplete(page);
  }
  const streamed = await shown(page);
  expect(streamed).toHaveLength(texts.length);
  await page.reload();
  await expect(responses(page)).toHaveCount(texts.length);
  const atOnce = await shown(page);
  for (const [index, [name]] of texts.entries()) expect.soft(streamed[index], name).toBe(atOnce[index]);
});

test.describe('an attack', () => {
  // Mermaid parses markup in its labels. Its frame, whose origin is opaque and which has no
  // network, refuses the handlers in it.
  test.use({ expectedErrors: /^Executing inline event handler violates .*'nonce-[^']+' 'strict-dynamic''/ });

  test('nothing that a model writes runs, loads, or covers the page', async ({ page, model }) => {
    test.setTimeout(240_000);
    const seen: string[] = [];
    page.on('request', (request) => seen.push(request.url()));
    page.on('dialog', (dialog) => seen.push(`dialog: ${dialog.message()}`));
    await page.goto('/');
    model.play(saying(...ATTACKS.map((attack) => `${attack}\n\n`)));
    await ask(page, freshQuestion('All at once'));
    await responseComplete(page);
    for (const attack of ATTACKS) {
      model.play(saying(...attack));
      await ask(page, freshQuestion('One by one'));
      await responseComplete(page);
    }
    // Diagrams are drawn one after the other, in their frame.
    await expect(page.getByText('Diagram', { exact: true })).toHaveCount(4);
    await expect(page.locator('.code-block:has-text("Diagram") pre')).toHaveCount(0, { timeout: 30_000 });
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate(() => Object.hasOwn(window, 'pwned'))).toBe(false);
    expect(seen.filter((url) => url.startsWith('dialog') || url.includes(':9/') || url.includes('beacon'))).toEqual([]);
    const content = responses(page);
    expect(
      await content
        .locator(
          'script, style, link, meta, base, iframe, object, embed, video, audio, form, svg script, [srcdoc], [style*="url"], [style*="fixed"]',
        )
        .count(),
    ).toBe(0);
    expect(
      await content.evaluateAll((articles) =>
        articles.flatMap((article) =>
          [...article.querySelectorAll('*')].flatMap((element) =>
            [...element.attributes]
              .filter(({ name, value }) => name.startsWith('on') || /^\s*(javascript|vbscript|data:text)/i.test(value))
              .map(({ name, value }) => `${element.tagName} ${name}=${value}`),
          ),
        ),
      ),
    ).toEqual([]);
    for (const link of await content.locator('a[href]').all()) {
      expect(await link.getAttribute('href')).toMatch(/^(https?:|mailto:|#)/);
      if (!(await link.getAttribute('href'))?.startsWith('#'))
        expect(await link.getAttribute('rel')).toContain('noopener');
    }
    await expect(page.getByRole('textbox', { name: 'Message' })).toBeInViewport();
  });
});

test('code is coloured when its fence closes, and nothing moves', async ({ page, model }) => {
  const closing = Promise.withResolvers<void>();
  const [before, after] = saying('```python\ndef f():\n    return "x"', '\n```\n\nThat is all.');
  const end = saying().at(-1);
  if (before === undefined || after === undefined || end === undefined) throw new Error('a script has three steps');
  model.play([before, { wait: closing.promise }, after, end]);
  await page.goto('/');
  await ask(page, freshQuestion('Code'));
  const code = responses(page).last().locator('pre');
  await expect(code).toContainText('return "x"');
  const coloured = () =>
    page.evaluate(() => [...CSS.highlights.values()].reduce((sum, highlight) => sum + highlight.size, 0));
  expect(await coloured()).toBe(0);
  const box = await code.boundingBox();
  closing.resolve();
  await responseComplete(page);
  await expect.poll(coloured).toBeGreaterThan(3);
  expect(await code.boundingBox()).toEqual(box);
  expect(await code.locator('span').count()).toBe(0);
});

test('a broken diagram shows its source and why; a good one can be turned back into it', async ({ page, model }) => {
  model.play(saying('```mermaid\nflowchart LR\n  A[[ -->\n```\n\n```mermaid\nflowchart LR\n  A --> B\n```\n'));
  await page.goto('/');
  await ask(page, freshQuestion('Diagrams'));
  const response = responses(page).last();
  await expect(response.getByText(/This diagram cannot be drawn\. .*line \d/)).toBeVisible();
  await expect(response.getByText('A[[ -->')).toBeVisible();
  const diagram = response.getByRole('img', { name: /^Diagram/ });
  await expect(diagram).toBeVisible();
  expect(await diagram.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(50);
  await response.getByRole('button', { name: 'Show the source' }).click();
  await expect(diagram).toHaveCount(0);
  await expect(response.getByText('A --> B')).toBeVisible();
  await response.getByRole('button', { name: 'Show the diagram' }).click();
  await expect(diagram).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`rich responses have no accessibility fault and fit a narrow screen, ${colorScheme}`, async ({
    page,
    model,
  }) => {
    await page.setViewportSize({ width: 320, height: 800 });
    await page.emulateMedia({ colorScheme });
    const whole = Object.entries(CORPUS).filter(([name]) => !/open|not closed|footnotes|reference/.test(name));
    model.play(saying(...whole.map(([, markdown]) => `${markdown}\n\n`)));
    await page.goto('/');
    await ask(page, freshQuestion('Everything'));
    await responseComplete(page);
    await expect(
      responses(page)
        .last()
        .getByRole('img', { name: /^Diagram/ }),
    ).toBeVisible();
    expect(await accessibilityFaults(page)).toEqual([]);
    const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
    const wide = await responses(page)
      .last()
      .evaluate((article) => article.scrollWidth - article.clientWidth);
    expect(wide).toBeLessThanOrEqual(0);
  });
}

test('responses show what the model wrote, and footnotes link to their own', async ({ page, model }) => {
  const texts = [
    'Run `git clone <repository-url>`, or git clone <repository-url>, with vector<int> and <your-api-key>.',
    'See [the guide](docs/guide.md), [us](MAILTO:a@b.c), [Open](vscode://file/a), [top](#top), <a name="top"></a>[Empty]().',
    'Sizes of 0.4~6mm or 2~3mm; **「重点」**内容 **注意：**10，见https://example.org/a。然后',
    'Pay \\(\\$100 \\times 1.05\\). Then $\\$5 + \\$3 = \\$8$; \\(\\text{for \\(n\\) even}\\) and \\ce{H2O}.\n\n\\[ P = \\$100 \\cdot 1.05 \\]\n\n\\begin{align}\na &= b\n\\end{align}',
    'First[^1]\n\n[^1]: one',
    'Second[^1]\n\n[^1]: two',
  ];
  await page.goto('/');
  for (const text of texts) {
    model.play(saying(...text));
    await ask(page, freshQuestion('Text'));
    await responseComplete(page);
  }
  const all = responses(page);
  await expect(all.nth(0)).toContainText('git clone <repository-url>, with vector<int> and <your-api-key>.');
  await expect(all.nth(1)).toContainText('See the guide, us, Open, top, Empty.');
  await expect(all.nth(1).locator('a')).toHaveCount(1);
  await expect(all.nth(2)).toContainText(
    'Sizes of 0.4~6mm or 2~3mm; 「重点」内容 注意：10，见https://example.org/a。然后',
  );
  await expect(all.nth(2).locator('strong')).toHaveText(['「重点」', '注意：']);
  await expect(all.nth(2).locator('del')).toHaveCount(0);
  await expect(all.nth(3).locator('.katex')).toHaveCount(6);
  await expect(all.nth(3).locator('.formula-fault')).toHaveCount(0);
  const ids = await page.evaluate(() => [...document.querySelectorAll('[id]')].map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
  await all.nth(5).getByRole('link', { name: '1', exact: true }).click();
  await expect(all.nth(5).locator(':target')).toContainText('two');
});

test('a blank line at the beginning of a program is copied with it', async ({ page, model, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  model.play(saying('```python\n\nprint(1)\n```'));
  await page.goto('/');
  await ask(page, freshQuestion('Blank'));
  await responseComplete(page);
  await responses(page).last().locator('.code-block').getByRole('button', { name: 'Copy' }).click();
  await expect(responses(page).last().getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('\nprint(1)');
});

test('a large text is pasted and written on without a wait, and outlasts a reload', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/');
  const field = page.getByRole('textbox', { name: 'Message' });
  const text = Array.from({ length: 300 }, (_, index) => `line ${index} of a long text`).join('\n');
  await page.evaluate((pasted) => navigator.clipboard.writeText(pasted), text);
  await field.focus();
  await page.keyboard.press('Control+v');
  await page.keyboard.type('abc');
  await expect(field).toHaveValue(`${text}abc`);
  const box = await field.boundingBox();
  expect(box?.height).toBeLessThan(400);
  // The whole text is laid out once, in the field, and nothing next to it holds all of it.
  expect(
    await page.evaluate(() =>
      Math.max(...[...document.querySelectorAll('form div')].map((div) => div.textContent?.length ?? 0)),
    ),
  ).toBeLessThan(text.length);
  await page.reload();
  await expect(field).toHaveValue(`${text}abc`);
  await expect(page.getByRole('button', { name: 'Send', exact: true })).toBeEnabled();
});
