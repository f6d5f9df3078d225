/** `npm run backup -- FILE`: copies the database into a new file, also while the server runs. */
import { resolve } from 'node:path';
import { config } from '#lib/config/config';
import { backUp } from '#lib/store/backup';
import { dumpCommand } from '#lib/store/postgres-commands';
import { formatBytes } from '#lib/units';
import { say } from './bootstrap/setup.mjs';
import { runForFile } from './database-command.ts';

runForFile('backup', (file) => {
  const { DATA_DIR, DATABASE_URL } = config();
  if (DATABASE_URL !== undefined) {
    say(`The database is in Postgres, which has its own backups:\n  ${dumpCommand(DATABASE_URL, resolve(file))}`);
    process.exitCode = 1;
    return;
  }
  const bytes = backUp(DATA_DIR, resolve(file));
  say(`${resolve(file)} has the database of ${DATA_DIR} (${formatBytes(bytes)}). It holds secrets: keep it as safe.`);
});
