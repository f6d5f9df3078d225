/**
 * Writes pairs of rows to the database in the folder of its argument, until it is killed. Prints
 * the number of each pair that is on disk.
 */
import { openStore } from '#lib/store/open-store';

const [, , folder = ''] = process.argv;
const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
const start = Number(process.argv[3] ?? '0');
const row = (name: string) =>
  opened.db.insertInto('settings').values({ name, value: 'x'.repeat(2_000), updated_at: 1, updated_by: 'test' });

for (let number = start; ; number++) {
  const id = number;
  void opened.writeAll([row(`${id}-a`), row(`${id}-b`)]).then(() => process.stdout.write(`${id}\n`));
  if (number % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  // Bounds what waits.
  if (number % 1_000 === 0) await opened.flush();
}
