import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { loadRevocations, saveRevocations } from '#lib/http/ended-sessions';
import { type Revocation, revokedSessions } from '#lib/http/revoked-sessions';
import { shutDown } from '#lib/shutdown';
import { resetSingleton, singleton } from '#lib/singletons';
import { store } from '#lib/store/store';

const NOW = 1_800_000_000;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ended-'));
  restart();
});

afterEach(async () => {
  await shutDown();
  rmSync(folder, { recursive: true });
});

/** What a new process knows: nothing. */
function restart(): void {
  const names = ['config', 'store', 'http.revoked-sessions', 'http.ended-sessions', 'http.unsaved-revocations'];
  for (const name of names) resetSingleton(name);
  const env = { DATA_DIR: join(folder, 'data'), LOG_LEVEL: 'silent' };
  singleton('config', () => readConfig(env));
}

const revoke = (id: string): Revocation =>
  revokedSessions().add({ keyId: 'key', id, issuedAt: NOW, expiry: NOW + 1_000 }, NOW);
const isRevoked = (id: string) => revokedSessions().has({ keyId: 'key', id, issuedAt: NOW });

it('loads more sessions than fit into one page', async () => {
  const ids = Array.from({ length: 4_500 }, (_, index) => `session-${index}`);
  await saveRevocations(ids.map(revoke));
  await shutDown();
  restart();
  expect(isRevoked('session-0')).toBe(false);
  await loadRevocations();
  expect(ids.filter((id) => !isRevoked(id))).toEqual([]);
  expect(isRevoked('another')).toBe(false);
});

it('saves later what the database did not take', async () => {
  writeFileSync(join(folder, 'data'), '');
  await saveRevocations([revoke('one')]);
  expect(isRevoked('one')).toBe(true);
  rmSync(join(folder, 'data'));
  const saved = async () =>
    (await store()).db
      .selectFrom('ended_sessions')
      .select('session_id')
      .execute()
      .catch(() => []);
  await expect.poll(() => saved().catch(() => []), { timeout: 25_000, interval: 500 }).toEqual([{ session_id: 'one' }]);
});

it('saves what the database did not take at the end of the process', async () => {
  const { db } = await store();
  await sql`alter table ended_sessions rename to no_ended_sessions`.execute(db);
  await saveRevocations([revoke('one'), revoke('two')]);
  await sql`alter table no_ended_sessions rename to ended_sessions`.execute(db);
  await shutDown();
  restart();
  await loadRevocations();
  expect([isRevoked('one'), isRevoked('two')]).toEqual([true, true]);
});

it('does not fail with a database that cannot be opened', async () => {
  await saveRevocations([revoke('one')]);
  await shutDown();
  restart();
  resetSingleton('config');
  singleton('config', () => readConfig({ DATA_DIR: join(folder, 'data', 'chill-space.db', 'x'), LOG_LEVEL: 'silent' }));
  await loadRevocations();
  expect(isRevoked('one')).toBe(false);
});
