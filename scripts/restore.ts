/** `npm run restore -- FILE`: puts a backup in the place of the database of a stopped server. */
import { resolve } from 'node:path';
import { config } from '#lib/config/config';
import { restore } from '#lib/store/backup';
import { restoreCommand } from '#lib/store/postgres-commands';
import { say } from './bootstrap/setup.mjs';
import { runForFile } from './database-command.ts';

runForFile('restore', (file) => {
  const { DATA_DIR, DATABASE_URL } = config();
  if (DATABASE_URL !== undefined) {
    say(`The database is in Postgres. Stop the server, and run:\n  ${restoreCommand(DATABASE_URL, resolve(file))}`);
    process.exitCode = 1;
    return;
  }
  const kept = restore(resolve(file), DATA_DIR, new Date());
  say(`${DATA_DIR} has the database of ${resolve(file)}. Start the server.`);
  if (kept !== undefined) say(`The database that was there is ${kept}. Delete it when everything is as it should be.`);
});
