import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach } from 'vitest';
import type { StoreUnavailable } from '#lib/store/errors';
import { openStore } from '#lib/store/open-store';
import type { Store } from '#lib/store/types';
import { type PostgresServer, startPostgres } from './postgres.ts';

export interface ScratchStores {
  /** An empty database, until the end of the test. The first one on Postgres starts the server. */
  open: (engine: Store['engine']) => Promise<Store>;
}

/** Databases for the tests of one file, in temporary folders with this name. */
export function scratchStores(name: string): ScratchStores {
  const ends: (() => Promise<void>)[] = [];
  let postgres: PostgresServer | undefined;
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });
  afterAll(async () => {
    await postgres?.close();
  });
  return {
    open: async (engine) => {
      const folder = await mkdtemp(join(tmpdir(), `${name}-`));
      ends.push(() => rm(folder, { recursive: true }));
      if (engine === 'postgres') postgres ??= await startPostgres();
      const DATABASE_URL = engine === 'postgres' ? await postgres?.createDatabase() : undefined;
      const store = await openStore({ DATA_DIR: folder, DATABASE_URL });
      ends.push(() => store.close());
      return store;
    },
  };
}

/** `store` on a disk that takes no writes: it reads, and rejects writes with `error`. */
export function withoutWrites(store: Store, error: StoreUnavailable): Store {
  return {
    ...{ engine: store.engine, db: store.db, health: store.health },
    write: () => Promise.reject(error),
    writeAll: () => Promise.reject(error),
    flush: () => store.flush(),
    report: (query) => store.report(query),
    check: () => store.check(),
    close: () => store.close(),
  };
}
