import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getMigrations } from 'better-auth/db/migration';
import { admin } from 'better-auth/plugins/admin';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { twoFactor } from 'better-auth/plugins/two-factor';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { authOptions } from '#lib/people/accounts/auth-options';
import { openStore } from '#lib/store/open-store';
import { type PostgresServer, startPostgres } from '../support/postgres.ts';

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres.close();
});

it.each(['sqlite', 'postgres'])('has every table, column and index that better-auth wants, on %s', async (engine) => {
  const folder = await mkdtemp(join(tmpdir(), 'schema-'));
  const url = engine === 'postgres' ? await postgres.createDatabase() : undefined;
  const store = await openStore({ DATA_DIR: join(folder, 'data'), DATABASE_URL: url });
  const warnings: string[] = [];
  try {
    const settings = readConfig({ OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_CLIENT_ID: 'x' });
    const options = authOptions(
      { admin, twoFactor, genericOAuth },
      { store, settings, secret: 'x'.repeat(40), isSecure: false, hooks: { validateUserInfo: async () => undefined } },
    );
    const logger = { level: 'warn' as const, log: (_level: string, message: string) => warnings.push(message) };
    const found = await getMigrations({ ...options, logger });
    expect(found.toBeCreated).toEqual([]);
    expect(found.toBeAdded).toEqual([]);
    expect(found.toBeAddedIndexes).toEqual([]);
    expect(found.schemaProblems).toEqual([]);
    expect(warnings).toEqual([]);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
});
