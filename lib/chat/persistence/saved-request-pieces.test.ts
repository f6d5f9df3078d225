import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Compilable } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StoreUnavailable } from '#lib/store/errors';
import { openStore } from '#lib/store/open-store';
import type { Store } from '#lib/store/types';
import { chatRequest, type EngineHarness, engineHarness, ManualClock } from '../../../test/support/chat.ts';
import type { ProcessInfo } from './queue-owner.ts';
import { SavedRequests } from './saved-requests.ts';

/** Requests that are too large for one transaction: all of their pieces count, or none. */

const MIB = 1024 * 1024;

let store: Store;
let folder: string;
let clock: ManualClock;
let warnings: string[];

beforeEach(async () => {
  clock = new ManualClock();
  warnings = [];
  folder = await mkdtemp(join(tmpdir(), 'pieces-'));
  store = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** The database of a process whose single writes go through `write`. */
function storeWith(write: (statement: Compilable) => Promise<void>): Store {
  return {
    ...{ engine: store.engine, db: store.db, health: store.health, write },
    writeAll: (statements) => store.writeAll(statements),
    flush: () => store.flush(),
    report: (query) => store.report(query),
    check: () => store.check(),
    close: () => store.close(),
  };
}

async function start(openedStore: Store = store, process?: ProcessInfo): Promise<EngineHarness> {
  const savedRequests = new SavedRequests({
    openStore: async () => openedStore,
    maxBytes: 100 * MIB,
    resultTtlMs: 600_000,
    clock,
    log: { info: () => {}, warn: (...entry: unknown[]) => void warnings.push(String(entry[1])) },
    ...(process === undefined ? {} : { process }),
  });
  const engine = engineHarness({ QUEUE_MAX_CONCURRENT: '1' }, { savedRequests, clock });
  await engine.engine.restore(() => {});
  await turns();
  return engine;
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) {
    await store.flush();
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A request of four pieces. */
const LARGE = chatRequest({
  messages: [{ role: 'user', content: 'look', images: [Buffer.alloc(0.75 * MIB, 'image').toString('base64')] }],
});
const PIECES = 4;

const parts = async (part: 'request' | 'result') =>
  (await store.db.selectFrom('chat_request_parts').select('number').where('part', '=', part).execute()).length;
const rows = async () =>
  (await store.db.selectFrom('chat_requests').select('finished_at').execute()).map(
    ({ finished_at }) => finished_at !== null,
  );

it.each([1, 2, PIECES])('counts none where piece %i is not saved', async (failing) => {
  let piece = 0;
  const broken = storeWith((statement) => {
    piece += 1;
    return piece === failing ? Promise.reject(new StoreUnavailable('full')) : store.write(statement);
  });
  const first = await start(broken);
  const pending = await first.engine.enqueue(LARGE, { caller: 'ann' });
  await pending.saved?.written;
  await turns();
  expect([pending.saved?.isOnDisk, await rows()]).toEqual([false, []]);
  expect(await parts('request')).toBe(PIECES - 1);
  const second = await start();
  expect(second.provider.calls).toEqual([]);
  expect(await parts('request')).toBe(0);
  expect(warnings.at(-1)).toMatch(/were dropped/);
});

it.each([0, 1, PIECES - 1])('reports one of which piece %i is missing, and runs the others', async (missing) => {
  const first = await start();
  const torn = await first.engine.enqueue(LARGE, { caller: 'ann' });
  const whole = await first.engine.enqueue(LARGE, { caller: 'bob' });
  await Promise.all([torn.saved?.written, whole.saved?.written]);
  await store.write(
    store.db.deleteFrom('chat_request_parts').where('request_id', '=', torn.id).where('number', '=', missing),
  );
  const second = await start();
  expect(second.engine.find(torn.id, 'ann').error?.message).toMatch(/not completely saved.*Send it again/);
  expect(second.engine.find(whole.id, 'bob').state).toBe('running');
  expect(second.provider.calls).toHaveLength(1);
});

it('stores the result of one that ends before it is saved', async () => {
  const gate = Promise.withResolvers<void>();
  const first = await start(storeWith(async (statement) => gate.promise.then(() => store.write(statement))));
  const pending = await first.engine.enqueue(LARGE, { caller: 'ann' });
  await turns();
  first.provider.last.say('quick').done();
  await turns();
  expect([pending.state, await rows()]).toEqual(['completed', []]);
  gate.resolve();
  await turns();
  expect([await rows(), await parts('request'), await parts('result')]).toEqual([[true], 0, 1]);
  const second = await start();
  expect(second.provider.calls).toEqual([]);
  expect(second.engine.find(pending.id, 'ann').generation.response?.content).toBe('quick');
});

it('leaves the pieces alone that another server is writing', async () => {
  const gate = Promise.withResolvers<void>();
  let piece = 0;
  const slow = storeWith(async (statement) => {
    piece += 1;
    if (piece === PIECES) await gate.promise;
    await store.write(statement);
  });
  const first = await start(slow, { host: 'here', pid: 1, isRunning: () => true });
  const pending = await first.engine.enqueue(LARGE, { caller: 'ann' });
  await turns();
  expect([await parts('request'), await rows()]).toEqual([PIECES - 1, []]);
  await start(store, { host: 'there', pid: 2, isRunning: () => false });
  gate.resolve();
  await pending.saved?.written;
  expect([pending.saved?.isOnDisk, await parts('request')]).toEqual([true, PIECES]);
});

it('leaves the pieces alone that this server is writing', async () => {
  const gate = Promise.withResolvers<void>();
  let piece = 0;
  const slow = storeWith(async (statement) => {
    piece += 1;
    if (piece === PIECES) await gate.promise;
    await store.write(statement);
  });
  const savedRequests = new SavedRequests({
    openStore: async () => slow,
    maxBytes: 100 * MIB,
    resultTtlMs: 600_000,
    clock,
    log: { info: () => {}, warn: () => {} },
  });
  const { engine } = engineHarness({}, { savedRequests, clock });
  await engine.restore(() => {});
  const pending = await engine.enqueue(LARGE, { caller: 'ann' });
  await turns();
  await savedRequests.deleteLeftovers(store);
  expect(await parts('request')).toBe(PIECES - 1);
  gate.resolve();
  await turns();
  expect([pending.saved?.isOnDisk, await parts('request')]).toEqual([true, PIECES]);
});
