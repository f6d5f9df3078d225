import { afterAll, expect, it } from 'vitest';
import { readAudit, recordAudit } from '#lib/store/audit';
import { store } from '#lib/store/store';

afterAll(async () => {
  await (await store()).close();
});

it('records who did what, and pages through it, newest first', async () => {
  for (let index = 0; index < 5; index++)
    await recordAudit(
      {
        actor: 'user:1',
        actorName: 'Ada',
        action: index === 3 ? 'key.revoke' : 'user.disable',
        target: `${index}`,
        detail: { to: index },
      },
      1_800_000_000_000 + index,
    );
  const first = await readAudit({}, 2);
  expect(first.rows.map(({ target }) => target)).toEqual(['4', '3']);
  expect(first.rows[0]).toMatchObject({ actor: 'user:1', actor_name: 'Ada', detail: '{"to":4}', address: null });
  const second = await readAudit({ before: `${first.next}` }, 3);
  expect(second.rows.map(({ target }) => target)).toEqual(['2', '1', '0']);
  expect(second.next).toBeUndefined();
  const filtered = await readAudit({ action: 'key.revoke', actor: 'user:1' }, 10);
  expect(filtered.rows.map(({ target }) => target)).toEqual(['3']);
});
