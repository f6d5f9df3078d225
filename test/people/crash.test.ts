import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { type OpenStore, openStore } from '#lib/store/open-store';

/** What people used and made, over kill -9 in the middle of writing it. */

const USAGE_TABLES = ['usage_days', 'usage_callers', 'usage_servers', 'usage_models', 'usage_months'] as const;

/** Resolves with the lines of what was on disk when it was killed. */
async function killWhileWriting(folder: string, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, ['test/support/people-writer.ts', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return output.split('\n').slice(0, -1);
}

async function requestsIn({ db }: OpenStore, table: (typeof USAGE_TABLES)[number]): Promise<number> {
  const { sum } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.sum<number>('requests').as('sum'))
    .executeTakeFirstOrThrow();
  return Number(sum ?? 0);
}

/** The `after` of the last record of each target. */
async function lastChanges({ db }: OpenStore, kind: string): Promise<Map<string | null, unknown>> {
  const records = await db
    .selectFrom('audit_log')
    .select(['target', 'detail'])
    .where('action', 'like', `${kind}.%`)
    // Records of one millisecond have no order among them.
    .orderBy('at')
    .orderBy(sql`rowid`)
    .execute();
  return new Map(records.map(({ target, detail }) => [target, JSON.parse(detail ?? '').after]));
}

async function expectRecordedLimits(opened: OpenStore): Promise<void> {
  const stored = await opened.db.selectFrom('limits').select(['scope_id', 'limits']).execute();
  const recorded = [...(await lastChanges(opened, 'limits'))].filter(([, after]) => after !== undefined);
  expect(recorded.length).toBeGreaterThan(0);
  expect(Object.fromEntries(recorded)).toEqual(
    Object.fromEntries(stored.map(({ scope_id, limits }) => [`user:${scope_id}`, JSON.parse(limits)])),
  );
}

async function expectRecordedPeople(opened: OpenStore): Promise<void> {
  const people = await opened.db.selectFrom('users').select(['id', 'banned']).execute();
  const recorded = await lastChanges(opened, 'user');
  for (const { id, banned } of people) {
    const after = recorded.get(id);
    if (banned === null) expect(after).toBeUndefined();
    else expect(after).toMatchObject({ disabled: Boolean(banned) });
  }
}

it('keeps usage, keys, limits, people and the audit log whole over kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'people-crash-'));
  let requests = 0;
  const keys = new Set<string>();
  for (const lines of [3, 60, 400]) {
    const reported = await killWhileWriting(folder, lines);
    expect(reported.length).toBeGreaterThanOrEqual(lines);
    const written = reported.flatMap((line) => (line.startsWith('usage ') ? [Number(line.slice(6))] : []));
    requests += Math.max(0, ...written);
    for (const line of reported) if (line.startsWith('key ')) keys.add(line.slice(4));

    const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
    await opened.check();
    expect(opened.health).toEqual({ state: 'ok' });
    const sums = await Promise.all(USAGE_TABLES.map((table) => requestsIn(opened, table)));
    // A flush that was cut has written some of its rows, each to all tables.
    expect(new Set(sums).size).toBe(1);
    expect(sums[0]).toBeGreaterThanOrEqual(requests);
    requests = sums[0] ?? 0;

    const stored = (await opened.db.selectFrom('access_keys').select('id').execute()).map(({ id }) => id);
    const records = await opened.db
      .selectFrom('audit_log')
      .select(['target', 'detail'])
      .where('action', '=', 'key.create')
      .execute();
    expect(records.map(({ target }) => target).toSorted()).toEqual(stored.toSorted());
    for (const { detail } of records) expect(JSON.parse(detail ?? '')).toMatchObject({ summary: expect.any(String) });
    for (const key of keys) expect(stored).toContain(key);
    await expectRecordedLimits(opened);
    await expectRecordedPeople(opened);
    await opened.close();
  }
  await rm(folder, { recursive: true });
}, 120_000);
