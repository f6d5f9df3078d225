import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { WebRequest } from '#lib/http/http-request';
import { administrator, type Principal } from '#lib/http/principal';
import { type Reply, toWebBody } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { handleAdminUsage, handleOwnUsage } from '#lib/people/usage/http/usage-handlers';
import { MAX_REPORT_ROWS } from '#lib/people/usage/usage-question';
import { usageRecorder } from '#lib/people/usage/usage-recorder';
import { startUsage } from '#lib/people/usage/usage-service';
import { usageStatements } from '#lib/people/usage/usage-statements';
import { shutDown } from '#lib/shutdown';
import { resetSingleton, singleton } from '#lib/singletons';
import { store } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { usageReportSchema } from '#lib/wire/usage';
import { person, usageEvent, usageRow } from '../../../../test/support/usage.ts';

const ann = person('ann', { groupId: 'lab' });
const bob = person('bob', { groupId: 'lab' });
const cem = person('cem', { groupId: 'class' });
const service: Principal = { ...administrator('key:svc'), role: 'member', keyId: 'svc', groupId: 'class' };
const local = administrator('203.0.113.7');
const today = (() => {
  const now = new Date();
  const pad = (value: number) => String(value).padStart(2, '0');
  return `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
})();

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-'));
  for (const name of ['config', 'store', 'usage']) resetSingleton(name);
  singleton('config', () => readConfig({ DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'silent' }));
  startUsage(() => true);
  for (const principal of [ann, ann, bob, cem, service, local]) usageRecorder().record(usageEvent({ principal }));
  usageRecorder().record(usageEvent({ principal: { ...ann, keyId: 'own-key' }, model: '=1+1' }));
  usageRecorder().recordHit(ann, 'm', 8);
});

afterAll(async () => {
  await shutDown();
  for (const name of ['config', 'store', 'usage']) resetSingleton(name);
  await rm(folder, { recursive: true });
});

type Handler = typeof handleOwnUsage;

async function call(handler: Handler, principal: Principal, query: string): Promise<Reply & { text: string }> {
  const context: RequestContext = {
    requestId: 'r',
    hasClientRequestId: false,
    params: {},
    principal,
    caller: principal.caller,
    peerAddress: undefined,
    address: undefined,
    settings: readConfig({}),
    log: log(),
  };
  const reply = await handler(new WebRequest(new Request(`http://localhost/api/usage?${query}`)), context);
  return { ...reply, text: await new Response(toWebBody(reply.body)).text() };
}

async function report(handler: Handler, principal: Principal, query = '') {
  return usageReportSchema.parse(JSON.parse((await call(handler, principal, query)).text));
}

describe('GET /api/usage', () => {
  it('shows what a person has used in sessions and by keys, by day and model', async () => {
    const { rows, total, group_by, from, to } = await report(handleOwnUsage, ann);
    expect([group_by, to]).toEqual([['day', 'model'], today]);
    expect(Date.parse(to) - Date.parse(from)).toBe(29 * 24 * 60 * 60 * 1000);
    expect(rows.map(({ day, model, requests }) => [day, model, requests])).toEqual([
      [today, '=1+1', 1],
      [today, 'm', 3],
    ]);
    expect(total).toMatchObject({ requests: 4, cached: 1, tokens_saved: 8, prompt_tokens: 9 });
  });

  it('shows a key of a group, and a caller without a key, nothing of others', async () => {
    expect((await report(handleOwnUsage, service, 'group_by=key')).rows).toMatchObject([{ key: 'svc', requests: 1 }]);
    expect((await report(handleOwnUsage, local, 'group_by=key')).rows).toMatchObject([{ key: 'local', requests: 1 }]);
    expect((await report(handleOwnUsage, person('dan'))).rows).toEqual([]);
  });

  it('shows what one key of a person has used, and nothing of the key of another', async () => {
    const ofKey = await report(handleOwnUsage, ann, 'group_by=key,model&key=own-key');
    expect(ofKey.rows).toMatchObject([{ key: 'own-key', model: '=1+1', requests: 1 }]);
    const byKey: Principal = { ...ann, keyId: 'own-key' };
    expect((await report(handleOwnUsage, byKey, 'key=own-key')).total.requests).toBe(1);
    for (const key of ['svc', 'local', 'none'])
      expect((await report(handleOwnUsage, ann, `key=${key}`)).rows).toEqual([]);
    expect((await report(handleOwnUsage, bob, 'key=own-key')).rows).toEqual([]);
  });

  it('shows a caller that is one key no other', async () => {
    expect((await report(handleOwnUsage, service, 'key=svc')).total.requests).toBe(1);
    expect((await report(handleOwnUsage, local, 'key=local')).total.requests).toBe(1);
    for (const caller of [service, local])
      await expect(report(handleOwnUsage, caller, 'key=own-key')).rejects.toMatchObject({ code: 'forbidden' });
  });

  it.each(['user=bob', 'group=class', 'filter=1'])('takes no other filter: %s changes nothing', async (query) => {
    expect((await report(handleOwnUsage, ann, query)).total.requests).toBe(4);
  });

  it.each([
    ['from=2026-02-30', 'from must be a day'],
    ['to=yesterday', 'to must be a day'],
    ['from=2026-11-02&to=2026-11-01', 'from must not be after to'],
    ['from=2000-01-01&to=2026-11-01', 'within 3660 days'],
    ['group_by=user', 'group_by must be one or more of day, month, model, key, language'],
    ['group_by=', 'group_by must be one or more of'],
  ])('refuses %s with a sentence', async (query, sentence) => {
    await expect(report(handleOwnUsage, ann, query)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(sentence),
    });
  });
});

describe('GET /api/admin/usage', () => {
  const admin = administrator('key:admin', { keyId: 'admin' });
  const manager: Principal = { ...person('max', { groupId: 'lab' }), role: 'manager' };

  it('shows administrators everyone', async () => {
    const { rows } = await report(handleAdminUsage, admin, 'group_by=user,group');
    expect(rows.map(({ user, group, requests }) => [user, group, requests])).toEqual([
      ['', '', 1],
      ['', 'class', 1],
      ['ann', 'lab', 4],
      ['bob', 'lab', 1],
      ['cem', 'class', 1],
    ]);
    expect((await report(handleAdminUsage, admin, 'group_by=user&user=cem')).rows).toHaveLength(1);
    expect((await report(handleAdminUsage, admin, 'group_by=user&group=class')).rows).toHaveLength(2);
  });

  it('shows managers their own group, and refuses others', async () => {
    const { rows } = await report(handleAdminUsage, manager, 'group_by=user');
    expect(rows.map(({ user }) => user)).toEqual(['ann', 'bob']);
    expect((await report(handleAdminUsage, manager, 'group_by=user&user=cem')).rows).toEqual([]);
    await expect(report(handleAdminUsage, manager, 'group=class')).rejects.toMatchObject({ code: 'forbidden' });
    const without: Principal = { ...person('moe'), role: 'manager' };
    await expect(report(handleAdminUsage, without)).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('refuses a report of too many rows, and says what to do', async () => {
    const opened = await store();
    const many = Array.from({ length: MAX_REPORT_ROWS + 1 }, (_, index) =>
      usageRow({ day: 20250101, user_id: `user-${index}`, requests: 1 }),
    );
    for (let first = 0; first < many.length; first += 500)
      await opened.writeAll(usageStatements(opened.db, many.slice(first, first + 500)));
    const dates = 'from=2025-01-01&to=2025-01-31';
    await expect(report(handleAdminUsage, admin, `${dates}&group_by=user`)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('more than 20000 rows. Choose fewer days'),
    });
    expect((await report(handleAdminUsage, admin, `${dates}&group_by=month`)).rows).toMatchObject([
      { month: '2025-01', requests: MAX_REPORT_ROWS + 1 },
    ]);
  });

  it('writes CSV, as a file that no spreadsheet runs', async () => {
    const { text, headers } = await call(handleAdminUsage, admin, 'group_by=model,user&format=csv&user=ann');
    expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(headers['content-disposition']).toMatch(
      /^attachment; filename="usage-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv"$/,
    );
    const [names, formula, ...others] = text.trimEnd().split('\r\n');
    expect(names).toMatch(/^model,user,user_name,requests,/);
    expect(formula).toMatch(/^'=1\+1,ann,,1,/);
    expect(others).toHaveLength(1);
  });
});
