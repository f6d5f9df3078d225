import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openSqlite } from '#lib/store/engines/sqlite/open';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chill-space-sqlite-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('has no report wait for the check of a large file', async () => {
  const engine = await openSqlite(folder);
  try {
    await sql`create table things (n integer primary key, text blob)`.execute(engine.db);
    await sql`
      insert into things with recursive counted(n) as (select 1 union all select n + 1 from counted where n < 200000)
      select n, zeroblob(400) from counted
    `.execute(engine.db);
    const report = () => engine.report(sql<{ n: number }>`select max(n) as n from things`.compile(engine.db));
    // The thread of reports is there.
    await report();
    const order: string[] = [];
    const check = engine.check().then(() => order.push('check'));
    expect(await report()).toEqual([{ n: 200_000 }]);
    order.push('report');
    await check;
    expect(order).toEqual(['report', 'check']);
  } finally {
    await engine.close();
  }
}, 60_000);
