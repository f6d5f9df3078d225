import { expect, saying, test } from './scripted.ts';
import { ask, freshQuestion, responseComplete, responses } from './support.ts';

/** A name that is not of this machine: its pages over plain http are no secure context. */
const NAME = 'lan.test';

test.use({
  launchOptions: async ({ launchOptions }, use) => {
    const rule = `--host-resolver-rules=MAP ${NAME} 127.0.0.1`;
    await use({ ...launchOptions, args: [...(launchOptions.args ?? []), rule] });
  },
  baseURL: async ({ app }, use) => use(app.url.replace('127.0.0.1', NAME)),
});

test('copy buttons work over plain http from another machine, and the console is quiet', async ({ page, model }) => {
  await page.goto('/');
  expect(await page.evaluate(() => [isSecureContext, navigator.clipboard === undefined])).toEqual([false, true]);
  model.play(saying('```python\n\nprint(1)\n```'));
  await ask(page, freshQuestion('Copy'));
  await responseComplete(page);
  const response = responses(page).last();
  await response.locator('.code-block').getByRole('button', { name: 'Copy' }).click();
  await expect(response.getByRole('button', { name: 'Copied' })).toBeVisible();
  const field = page.getByRole('textbox', { name: 'Message' });
  await field.focus();
  await page.keyboard.press('Control+v');
  await expect(field).toHaveValue('\nprint(1)');
});

test('the opener policy is sent where browsers obey it', async ({ app }) => {
  const policy = async (headers: Record<string, string>) =>
    (await fetch(app.url, { headers: { accept: 'text/html', ...headers } })).headers.get('cross-origin-opener-policy');
  expect(await policy({})).toBe('same-origin');
  expect(await policy({ host: 'chat.example.org', 'x-forwarded-proto': 'https' })).toBe('same-origin');
});
