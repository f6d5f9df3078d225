import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrate } from '#lib/store/migrate';
import { MIGRATIONS } from '#lib/store/migrations/index';
import { type OpenStore, openStore } from '#lib/store/open-store';
import { dumpCommand, restoreCommand } from '#lib/store/postgres-commands';

let folder: string;
let dataDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
  dataDir = join(folder, 'data');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const open = () => openStore({ DATA_DIR: dataDir, DATABASE_URL: undefined });
const setting = ({ db }: OpenStore, name: string) =>
  db.insertInto('settings').values({ name, value: '1', updated_at: 1, updated_by: 'x' });
const names = async ({ db }: OpenStore) =>
  (await db.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name);
const file = (name: string) => join(folder, name);

/** Runs the command as an operator does. */
async function run(command: 'backup' | 'restore', args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [`scripts/${command}.ts`, ...args], {
    env: { ...process.env, DATA_DIR: dataDir, DATABASE_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

it('copies the database while a server writes to it, and restores the copy', async () => {
  const server = await open();
  await server.write(setting(server, 'a'));
  let isDone = false;
  const writing = (async () => {
    for (let index = 0; !isDone; index++) await server.write(setting(server, `later ${index}`));
  })();
  const backup = await run('backup', [file('copy.db')]);
  isDone = true;
  await writing;
  expect(backup).toMatchObject({ code: 0, output: expect.stringContaining('copy.db') });
  expect(statSync(file('copy.db')).mode & 0o777).toBe(0o600);
  await server.write(setting(server, 'z after the backup'));

  const refused = await run('restore', [file('copy.db')]);
  expect(refused).toMatchObject({ code: 1, output: expect.stringContaining('A server uses the database') });
  await server.close();
  const restored = await run('restore', [file('copy.db')]);
  expect(restored.code, restored.output).toBe(0);

  const again = await open();
  expect(await names(again)).toContain('a');
  expect(await names(again)).not.toContain('z after the backup');
  await again.close();
  const kept = readdirSync(dataDir).find((name) => name.includes('.before-'));
  expect(restored.output).toContain(kept);
  expect(existsSync(join(dataDir, 'chill-space.db.restoring'))).toBe(false);
});

describe('npm run backup', () => {
  it('refuses to overwrite a file', async () => {
    await (await open()).close();
    writeFileSync(file('copy.db'), 'precious');
    expect(await run('backup', [file('copy.db')])).toMatchObject({
      code: 1,
      output: expect.stringContaining('exists already'),
    });
    expect(readFileSync(file('copy.db'), 'utf8')).toBe('precious');
  });

  it('says what is missing', async () => {
    expect(await run('backup', [file('copy.db')])).toMatchObject({
      code: 1,
      output: expect.stringContaining('DATA_DIR'),
    });
    expect(await run('backup', [])).toMatchObject({
      code: 1,
      output: expect.stringContaining('npm run backup -- FILE'),
    });
  });

  it('names the command of Postgres, without the password', async () => {
    const url = 'postgres://me:hunter2@db.example:5433/chill';
    const { code, output } = await run('backup', [file('copy.dump')], { DATABASE_URL: url });
    expect(code).toBe(1);
    expect(output).toContain(
      `pg_dump --format=custom --file='${file('copy.dump')}' 'postgres://me@db.example:5433/chill'`,
    );
    expect(output).not.toContain('hunter2');
    expect(restoreCommand(url, 'a.dump')).not.toContain('hunter2');
    expect(dumpCommand('postgres:///chill?host=/run&password=hunter2', "it's")).toBe(
      "pg_dump --format=custom --file='it'\\''s' 'postgres:///chill?host=%2Frun'",
    );
  });
});

describe('npm run restore', () => {
  it.each([
    ['is no database', 'not a database'],
    ['is empty', ''],
  ])('refuses a file that %s, and changes nothing', async (_what, content) => {
    const server = await open();
    await server.write(setting(server, 'a'));
    await server.close();
    writeFileSync(file('bad.db'), content);
    expect(await run('restore', [file('bad.db')])).toMatchObject({
      code: 1,
      output: expect.stringContaining('not a database of this app'),
    });
    const again = await open();
    expect(await names(again)).toEqual(['a']);
    await again.close();
  });

  it('refuses a backup of a newer version', async () => {
    const server = await open();
    await migrate(server.db, { ...MIGRATIONS, '9999-later': { up: async () => undefined } });
    await server.close();
    const { backUp, restore } = await import('#lib/store/backup');
    expect(() => backUp(dataDir, file('new.db'))).toThrow(/newer version of the app \(it has 9999-later\)/);
    expect(() => restore(join(dataDir, 'chill-space.db'), file('elsewhere'), new Date())).toThrow(/newer version/);
    expect(existsSync(file('new.db'))).toBe(false);
  });

  it('replaces a damaged database, and keeps it aside', async () => {
    const server = await open();
    await server.write(setting(server, 'a'));
    expect((await run('backup', [file('copy.db')])).code).toBe(0);
    await server.close();
    writeFileSync(join(dataDir, 'chill-space.db'), 'nothing that SQLite can read'.repeat(100));
    const restored = await run('restore', [file('copy.db')]);
    expect(restored.code, restored.output).toBe(0);
    const again = await open();
    expect(await names(again)).toEqual(['a']);
    await again.close();
    const kept = readdirSync(dataDir).find((name) => name.includes('.before-'));
    expect(readFileSync(join(dataDir, `${kept}`), 'utf8')).toContain('nothing that SQLite can read');
  });
});
