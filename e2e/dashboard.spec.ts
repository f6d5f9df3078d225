import { expect, freshQuestion, test } from './support.ts';

test('the dashboard counts what happens, live', async ({ page, request }) => {
  await page.goto('/dashboard');
  const row = (name: string) =>
    page
      .getByRole('row', { name: new RegExp(`^${name}`) })
      .getByRole('cell')
      .first();
  await expect(row('Chat requests')).toHaveText(/\d/);
  const before = Number(await row('Chat requests').innerText());
  const hitsBefore = Number(await row('Hits').innerText());
  const data = { messages: [{ role: 'user', content: freshQuestion('Say hello in five words.') }], stream: false };
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/chat-optimized', { data });
  await request.post('/api/v1/code/run', { data: { language: 'python', code: 'print(1)' } });
  await expect(row('Chat requests')).toHaveText(String(before + 2));
  await expect(row('Hits')).toHaveText(String(hitsBefore + 1));
  await expect(page.getByRole('region', { name: 'Code runs' })).toContainText(/Python/i);
});

test('clear empties the cache after a question, and says how much went', async ({ page, request }) => {
  const data = { messages: [{ role: 'user', content: freshQuestion('Say hello in five words.') }], stream: false };
  await request.post('/api/chat-optimized', { data });
  await page.goto('/dashboard');
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.getByRole('menuitem', { name: 'Response cache' }).click();
  await page.getByRole('button', { name: 'Clear responses' }).click();
  await expect
    .poll(async () => (await (await request.get('/api/cache-stats')).json()).response_cache.total_entries)
    .toBe(0);
  await expect(page.getByRole('status').filter({ hasText: /\d+ (entries|entry|answers?)/ })).toBeVisible();
});
