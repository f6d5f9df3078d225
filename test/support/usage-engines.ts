import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenStore, openStore } from '#lib/store/open-store';
import { startPostgres } from './postgres.ts';

interface OpenedStore {
  readonly store: OpenStore;
  close(): Promise<void>;
}

/** An empty database on each engine. */
export const USAGE_ENGINES: readonly (readonly [name: string, open: () => Promise<OpenedStore>])[] = [
  ['SQLite', openInFolder],
  ['Postgres', openOnServer],
];

async function openInFolder(): Promise<OpenedStore> {
  const folder = await mkdtemp(join(tmpdir(), 'usage-'));
  const store = await openStore({ DATA_DIR: join(folder, 'data'), DATABASE_URL: undefined });
  return {
    store,
    close: async () => {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function openOnServer(): Promise<OpenedStore> {
  const server = await startPostgres();
  const store = await openStore({ DATA_DIR: '', DATABASE_URL: await server.createDatabase() });
  return {
    store,
    close: async () => {
      await store.close();
      await server.close();
    },
  };
}
