/** `node test/support/migrator.ts FOLDER`: brings the database of a folder to the newest schema. */
import { openSqlite } from '#lib/store/engines/sqlite/open';
import { migrate } from '#lib/store/migrate';

const engine = await openSqlite(process.argv[2] ?? '');
process.stdout.write('begun\n');
await migrate(engine.db);
await engine.close();
