import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { administrator } from '#lib/http/principal';
import { readLimits, StoredCounters, writeLimits } from '#lib/people/limits/limit-rows';
import type { CounterRow } from '#lib/people/limits/usage-counters';
import { type OpenStore, openStore } from '#lib/store/open-store';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

/** Limits and their counts on both engines. */

let postgres: PostgresServer;
let folder: string;
let store: OpenStore;

beforeAll(async () => {
  postgres = await startPostgres();
  folder = await mkdtemp(join(tmpdir(), 'limits-'));
});
afterEach(() => store.close());
afterAll(async () => {
  await postgres?.close();
  await rm(folder, { recursive: true, force: true });
});

const row = (subject: string, used: number, more: Partial<CounterRow> = {}): CounterRow => ({
  subject,
  name: 'tokens_per_day',
  period: '2026-11-29',
  used,
  endsAt: 1,
  ...more,
});

describe.each(['sqlite', 'postgres'] as const)('on %s', (engine) => {
  const open = async () => {
    const DATABASE_URL = engine === 'postgres' ? await postgres.createDatabase() : undefined;
    store = await openStore({ DATA_DIR: await mkdtemp(join(folder, 'data-')), DATABASE_URL });
    return new StoredCounters(async () => store);
  };

  it('adds to counts, of any number of writers at a time, beyond 32 bits', async () => {
    const counters = await open();
    const large = 3_000_000_000;
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => counters.add([row('ann', large), row('bob', index), row('ann', 1)])),
    );
    await counters.add([row('ann', 5, { period: '2026-11', name: 'tokens_per_month' })]);
    const periods = ['2026-11-29', '2026-11'];
    const saved = await counters.read('ann', periods);
    expect(saved.toSorted((a, b) => a.used - b.used)).toEqual([
      { name: 'tokens_per_month', period: '2026-11', used: 5 },
      { name: 'tokens_per_day', period: '2026-11-29', used: 20 * (large + 1) },
    ]);
    expect(await counters.read('bob', periods)).toEqual([{ name: 'tokens_per_day', period: '2026-11-29', used: 190 }]);
    expect(await counters.read('eve', periods)).toEqual([]);
  });

  it('keeps limits of each scope, and leaves out rows that it cannot read', async () => {
    await open();
    const actor = { principal: administrator('local'), address: undefined, requestId: 'r' };
    const limits = { output_tokens: { limit: 7, kind: 'hard' } } as const;
    for (const updatedAt of [1, 1_800_000_000_000])
      await writeLimits(
        store,
        { scope: { kind: 'user', id: 'é' }, limits, updatedAt },
        {},
        { actor, owner: undefined },
      );
    const damaged = { scope_id: 'x', limits: '{', updated_at: 1 };
    await store.write(store.db.insertInto('limits').values({ scope: 'user', ...damaged }));
    await store.write(store.db.insertInto('limits').values({ scope: 'room', ...damaged, limits: '{}' }));
    expect(await readLimits(store)).toEqual([
      { scope: { kind: 'user', id: 'é' }, limits, updatedAt: 1_800_000_000_000 },
    ]);
  });
});
