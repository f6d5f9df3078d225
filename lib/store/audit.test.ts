import { afterAll, expect, it } from 'vitest';
import { type AuditFilter, auditInsert, readAudit } from '#lib/store/audit';
import { store } from '#lib/store/store';

afterAll(async () => {
  await (await store()).close();
});

it('records who did what, and pages through it, newest first', async () => {
  const opened = await store();
  for (let index = 0; index < 5; index++) {
    const entry = {
      actor: 'user:1',
      actorName: 'Ada',
      action: index === 3 ? 'key.revoke' : 'user.disable',
      target: `${index}`,
      detail: { to: index },
    };
    await opened.write(auditInsert(opened, entry, 1_800_000_000_000 + index));
  }
  const first = await readAudit({}, 2);
  expect(first.rows.map(({ target }) => target)).toEqual(['4', '3']);
  expect(first.rows[0]).toMatchObject({ actor: 'user:1', actor_name: 'Ada', detail: '{"to":4}', address: null });
  const second = await readAudit({ before: `${first.next}` }, 3);
  expect(second.rows.map(({ target }) => target)).toEqual(['2', '1', '0']);
  expect(second.next).toBeUndefined();
  const filtered = await readAudit({ action: 'key.revoke', actor: 'user:1' }, 10);
  expect(filtered.rows.map(({ target }) => target)).toEqual(['3']);
  const found = async (filter: AuditFilter) => (await readAudit(filter, 10)).rows.map(({ target }) => target);
  expect(await found({ action: 'user' })).toEqual(['4', '2', '1', '0']);
  expect(await found({ action: 'use' })).toEqual([]);
  expect(await found({ who: 'aD' })).toEqual(['4', '3', '2', '1', '0']);
  expect(await found({ who: 'Eve' })).toEqual([]);
  expect(await found({ fromMs: 1_800_000_000_001, untilMs: 1_800_000_000_003 })).toEqual(['2', '1']);
  expect(await found({ who: 'Ada', action: 'user.disable', fromMs: 1_800_000_000_002 })).toEqual(['4', '2']);
  const page = await readAudit({ action: 'user' }, 2);
  expect(await found({ action: 'user', before: page.next ?? '' })).toEqual(['1', '0']);
});
