import type { Page } from 'playwright/test';
import { expect, saying, test } from './scripted.ts';
import { accessibilityFaultsInBoth, ask, freshQuestion, responseComplete, responses } from './support.ts';

/** Programs in responses while the runner is unreachable. */
const runnerGoes = (page: Page) => page.route('**/api/v1/**', (route) => route.abort('connectionrefused'));
const runnerComes = (page: Page) => page.unroute('**/api/v1/**');
const isAway = (page: Page) => expect(page.getByRole('button', { name: /^Code runner: down/ })).toBeVisible();
const block = (page: Page, text: string) => responses(page).last().locator('.code-block').filter({ hasText: text });
const output = (page: Page, text: string) => block(page, text).getByRole('region', { name: 'Output of the program' });
const run = (page: Page, text: string) => block(page, text).getByRole('button', { name: 'Run', exact: true }).click();

test('programs in a response run in the browser without a runner, and say so', async ({ page, model }) => {
  model.play(
    saying(
      '```python\nimport sys\nprint("py", 6 * 7, sys.platform)\n```\n\n```ts\nconst n: number = 7;\nconsole.log("ts", n);\n```\n\n',
      '```js\nthrow new Error("no good")\n```\n\n```json\n{}\n```\n',
    ),
  );
  await runnerGoes(page);
  await page.goto('/');
  await isAway(page);
  await ask(page, freshQuestion('Programs'));
  await responseComplete(page);
  await run(page, 'import sys');
  // Python's engine is 13 MB.
  await expect(output(page, 'import sys')).toContainText('py 42 emscripten', { timeout: 60_000 });
  await expect(output(page, 'import sys')).toContainText('Ran in your browser');
  await expect(output(page, 'import sys')).not.toContainText('Memory');
  await run(page, 'const n');
  await expect(output(page, 'const n')).toContainText('ts 7');
  await run(page, 'throw new');
  await expect(output(page, 'throw new')).toContainText('no good');
  await expect(output(page, 'throw new')).toContainText('Exited with code 1');
  await expect(block(page, '{}').getByRole('button', { name: 'Run', exact: true })).toHaveCount(0);
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await page.setViewportSize({ width: 320, height: 800 });
  for (const name of ['Ask about this output', 'Close']) {
    const box = await output(page, 'import sys').getByRole('button', { name }).boundingBox();
    expect((box?.x ?? 320) + (box?.width ?? 0)).toBeLessThan(320);
  }
  model.play(saying('It is 42.'));
  await output(page, 'import sys').getByRole('button', { name: 'Ask about this output' }).click();
  await expect(page.getByRole('article', { name: 'Question' }).last()).toContainText(
    'I ran main.py in a browser. It exited with code 0.',
  );
  await responseComplete(page);
});

test('the other languages say what they wait for, and run once it is back', async ({ page, model }) => {
  model.play(
    saying('```bash\necho no\n```\n\n```cpp\n#include <cstdio>\nint main() { std::puts("compiled"); }\n```\n'),
  );
  await runnerGoes(page);
  await page.goto('/');
  await isAway(page);
  await ask(page, freshQuestion('C++'));
  await responseComplete(page);
  const program = block(page, 'cstdio');
  await expect(block(page, 'echo').getByRole('button', { name: 'Run', exact: true })).toHaveCount(0);
  await run(page, 'cstdio');
  await expect(program).toContainText('Code runner unavailable. Retrying…');
  await expect(program).toContainText('C++ can’t run in the browser. You can run this when the code runner is back.');
  expect(await accessibilityFaultsInBoth(page)).toEqual([]);
  await runnerComes(page);
  await expect(program).toContainText('The code runner is back.', { timeout: 15_000 });
  await program.getByRole('button', { name: 'Run now' }).click();
  await expect(output(page, 'cstdio')).toContainText('compiled', { timeout: 30_000 });
  await expect(output(page, 'cstdio')).toContainText('Memory');
  await expect(output(page, 'cstdio')).not.toContainText('Ran in your browser');
});

test('a runner that goes while the page is open is noticed at the next run', async ({ page, model }) => {
  model.play(saying('```javascript\nconsole.log("here", typeof window)\n```\n'));
  await page.goto('/');
  await expect(page.getByRole('button', { name: /^Code runner: up/ })).toBeVisible();
  await ask(page, freshQuestion('Goes'));
  await responseComplete(page);
  await runnerGoes(page);
  await run(page, 'typeof');
  await expect(output(page, 'typeof').getByRole('button', { name: 'Run again' })).toBeVisible();
  await isAway(page);
  await output(page, 'typeof').getByRole('button', { name: 'Run again' }).click();
  await expect(output(page, 'typeof')).toContainText('here undefined');
  await expect(output(page, 'typeof')).toContainText('Ran in your browser');
  await runnerComes(page);
  await expect(page.getByRole('button', { name: /^Code runner: up/ })).toBeVisible({ timeout: 15_000 });
  await run(page, 'typeof');
  await expect(output(page, 'typeof')).toContainText('Memory');
});
