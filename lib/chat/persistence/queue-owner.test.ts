import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openStore } from '#lib/store/open-store';
import type { Store } from '#lib/store/types';
import { ManualClock } from '../../../test/support/chat.ts';
import { BEAT_MS, QueueOwner, SILENCE_MS } from './queue-owner.ts';

/** Servers whose clocks differ: one was set before or after the other started. */

const HOUR_MS = 60 * 60 * 1000;

let store: Store;
let folder: string;
let clock: ManualClock;

beforeEach(async () => {
  clock = new ManualClock();
  folder = await mkdtemp(join(tmpdir(), 'queue-owner-'));
  store = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** A server whose clock is ahead of the others, or behind. */
function server(host: string, pid: number, aheadMs = 0, isRunning: (pid: number) => boolean = () => true): QueueOwner {
  const own = { now: () => clock.now() + aheadMs, after: () => () => {} };
  return new QueueOwner(own, { host, pid, isRunning });
}

async function accept(owner: QueueOwner, id: string): Promise<void> {
  const row = {
    ...{ caller: 'ann', owner: owner.id, position: 1, format: 1, accepted_at: 1, model: 'm', submitter: '{}' },
    ...{ api: null, idempotency_key: null, idempotency_digest: null, finished_at: null, bytes: 1 },
  };
  await store.writeAll([...owner.beat(store), store.db.insertInto('chat_requests').values({ id, ...row })]);
}

const ownerOf = async (id: string) =>
  (await store.db.selectFrom('chat_requests').select('owner').where('id', '=', id).executeTakeFirstOrThrow()).owner;

describe.each([
  ['is right', 0],
  ['is an hour behind', -HOUR_MS],
  ['is an hour ahead', HOUR_MS],
])('a server whose clock %s', (_what, aheadMs) => {
  it('leaves requests to a server that runs', async () => {
    const runs = server('there', 1);
    await accept(runs, 'r');
    const other = server('here', 2, aheadMs);
    for (let passed = 0; passed < 5 * SILENCE_MS; passed += BEAT_MS) {
      expect(await other.takeOver(store)).toMatchObject({ taken: [], hasOthers: true });
      await clock.advance(BEAT_MS);
      await store.writeAll(runs.beat(store));
    }
    expect(await ownerOf('r')).toBe(runs.id);
  });

  it('takes the requests of one that was killed, once it was silent', async () => {
    const killed = server('there', 1);
    await accept(killed, 'r');
    const other = server('here', 2, aheadMs);
    expect((await other.takeOver(store)).taken).toEqual([]);
    await clock.advance(SILENCE_MS - 1);
    expect((await other.takeOver(store)).taken).toEqual([]);
    await clock.advance(1);
    expect(await other.takeOver(store)).toEqual({ taken: [killed.id], hasOthers: false, isWritten: true });
    expect(await ownerOf('r')).toBe(other.id);
  });

  it('takes them at once on the same machine, where the process has ended', async () => {
    const killed = server('here', 1);
    await accept(killed, 'r');
    const other = server('here', 2, aheadMs, () => false);
    expect((await other.takeOver(store)).taken).toEqual([killed.id]);
  });
});

it('takes no requests of one that started later with the same host and process id, until it is silent', async () => {
  const own = server('app', 1);
  expect(await own.takeOver(store)).toEqual({ taken: [], hasOthers: false, isWritten: true });
  const replica = server('app', 1);
  await accept(replica, 'r');
  expect((await own.takeOver(store)).taken).toEqual([]);
  await clock.advance(SILENCE_MS);
  expect((await own.takeOver(store)).taken).toEqual([replica.id]);
});

it('takes the requests of a server that has left, and makes no write before', async () => {
  const own = server('here', 2);
  const writes = vi.spyOn(store, 'writeAll');
  await own.takeOver(store);
  expect(writes).not.toHaveBeenCalled();
  writes.mockRestore();
  const left = server('there', 1);
  await accept(left, 'r');
  await left.leave(store);
  expect((await own.takeOver(store)).taken).toEqual([left.id]);
});

it('says that it runs also after its clock was set back', async () => {
  let setMs = 0;
  const own = new QueueOwner(
    { now: () => clock.now() + setMs, after: () => () => {} },
    { host: 'here', pid: 1, isRunning: () => true },
  );
  expect(own.beat(store)).toHaveLength(1);
  expect(own.beat(store)).toHaveLength(0);
  setMs = -HOUR_MS;
  expect(own.beat(store)).toHaveLength(1);
  expect(own.beat(store)).toHaveLength(0);
});

it('leaves requests to a server that speaks again while it is given up', async () => {
  const slow = server('there', 1);
  await accept(slow, 'r');
  const other = server('here', 2);
  await other.takeOver(store);
  await clock.advance(SILENCE_MS);
  const speaks: Store = {
    ...{ engine: store.engine, db: store.db, health: store.health },
    write: (statement) => store.write(statement),
    writeAll: async (statements) => {
      await store.writeAll(slow.beat(store));
      await store.writeAll(statements);
    },
    flush: () => store.flush(),
    report: (query) => store.report(query),
    check: () => store.check(),
    close: () => store.close(),
  };
  await other.takeOver(speaks);
  expect(await ownerOf('r')).toBe(slow.id);
});
