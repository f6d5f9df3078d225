import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '#lib/config/config';
import { loadRevocations } from '#lib/http/ended-sessions';
import { onShutdown } from '#lib/shutdown';
import { DATABASE_FILE } from '#lib/store/database-file';
import { type Store, store, whenStoreOpens } from '#lib/store/store';
import { log } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** The check for damage reads the whole file, so it waits until the server has started. */
const CHECK_DELAY_MS = 5 * SECOND_MS;

/**
 * Opens the database of a server that listens, and resolves when it is open or cannot be opened; it
 * is tried again by itself then. Without a setting for it and without a file, the first use opens
 * it: it takes 6 MB.
 */
export async function openDatabase(settings: Config): Promise<void> {
  whenStoreOpens((opened) => void maintain(opened));
  if (settings.API_KEYS.length > 0) void loadRevocations();
  else if (settings.DATABASE_URL === undefined && !existsSync(join(settings.DATA_DIR, DATABASE_FILE))) return;
  // The store has logged why it is not open, and opens again by itself.
  await store().catch(() => undefined);
}

async function maintain(opened: Store): Promise<void> {
  // The queries' builder is loaded with the database, and not with the server.
  const [{ RetentionSweeper }, { retentionRules }] = await Promise.all([
    import('#lib/store/retention'),
    import('#lib/store/retention-rules'),
  ]);
  const sweeper = new RetentionSweeper(opened, retentionRules());
  sweeper.start();
  const check = setTimeout(() => {
    opened.check().catch((error: unknown) => log().warn({ err: error }, 'the database could not be checked'));
  }, CHECK_DELAY_MS).unref();
  onShutdown(() => {
    sweeper.stop();
    clearTimeout(check);
  });
}
