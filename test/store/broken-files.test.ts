import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isOpenElsewhere } from '#lib/store/engines/sqlite/open';
import { type OpenStore, openStore } from '#lib/store/open-store';
import { StoreOpener } from '#lib/store/store';

const isRoot = process.getuid?.() === 0;
let folder: string;
let isMounted = false;
const opened: OpenStore[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'broken-'));
});

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
  if (isMounted) execFileSync('umount', [folder]);
  isMounted = false;
  rmSync(folder, { recursive: true, force: true });
});

const open = async (dataDir = folder): Promise<OpenStore> => {
  const one = await openStore({ DATA_DIR: dataDir, DATABASE_URL: undefined });
  opened.push(one);
  return one;
};
const file = () => join(folder, 'chill-space.db');
const setting = ({ db }: OpenStore, name: string, value = '1') =>
  db.insertInto('settings').values({ name, value, updated_at: 1, updated_by: 'x' });
const names = async ({ db }: OpenStore) =>
  (await db.selectFrom('settings').select('name').orderBy('name').execute()).map(({ name }) => name);

/** Mounts a file system at `folder` until the test ends. */
function mount(options: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  isMounted = true;
}

describe.runIf(isRoot)('a disk (as root, who may mount one)', () => {
  it('that is full rejects writes and keeps reads, and takes writes again when there is space', async () => {
    mount('size=3m');
    const one = await open();
    await one.write(setting(one, 'before'));
    writeFileSync(join(folder, 'ballast'), Buffer.alloc(1_200_000));
    const large = 'x'.repeat(300_000);
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => one.write(setting(one, `large ${index}`, large))),
    );
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'not_saved' } });
    expect(one.health).toMatchObject({ state: 'not_saved', error: expect.stringContaining('full') });
    const kept = results.flatMap(({ status }, index) => (status === 'fulfilled' ? [`large ${index}`] : []));
    expect(await names(one)).toEqual(['before', ...kept].sort());
    rmSync(join(folder, 'ballast'));
    await expect.poll(() => one.health.state, { timeout: 10_000 }).toBe('ok');
    await one.write(setting(one, 'z after'));
    expect((await names(one)).at(-1)).toBe('z after');
  });

  it('that is read-only is reported, and nothing is thrown at the server', async () => {
    mount('size=3m');
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const opener = new StoreOpener(() => ({ DATA_DIR: folder, DATABASE_URL: undefined }));
    await expect(opener.open()).rejects.toMatchObject({ reason: 'read_only' });
    expect(opener.health).toMatchObject({ state: 'not_saved', error: expect.stringContaining('DATA_DIR') });
    // Later calls get the same error without another look at the disk.
    await expect(opener.open()).rejects.toMatchObject({ reason: 'read_only' });
  });
});

it('waits while another program holds the lock, then goes on', async () => {
  const one = await open();
  const other = new DatabaseSync(file());
  other.exec('BEGIN IMMEDIATE');
  const written = one.write(setting(one, 'a'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await names(one)).toEqual([]);
  other.exec('COMMIT');
  other.close();
  await written;
  expect(one.health).toEqual({ state: 'ok' });
});

it('rejects writes while another program holds the lock for long, and recovers', async () => {
  const one = await open();
  const other = new DatabaseSync(file());
  other.exec('BEGIN IMMEDIATE');
  await expect(one.write(setting(one, 'a'))).rejects.toMatchObject({ reason: 'locked' });
  expect(one.health).toMatchObject({ state: 'not_saved' });
  await expect(one.write(setting(one, 'b'))).rejects.toMatchObject({ reason: 'locked' });
  other.exec('COMMIT');
  other.close();
  await expect.poll(() => one.health.state, { timeout: 10_000 }).toBe('ok');
  await one.write(setting(one, 'c'));
  expect(await names(one)).toEqual(['c']);
});

it.each([
  ['is no database', () => Buffer.from('This is a text, and not a database. '.repeat(200))],
  [
    'has a damaged schema',
    (whole: Buffer) => Buffer.concat([whole.subarray(0, 100), Buffer.alloc(3_996, 0xff), whole.subarray(4_096)]),
  ],
])('refuses a file that %s, says what to do, and leaves it as it is', async (_what, damage) => {
  const one = await open();
  await one.write(setting(one, 'a'));
  await one.close();
  const damaged = damage(readFileSync(file()));
  writeFileSync(file(), damaged);
  const opener = new StoreOpener(() => ({ DATA_DIR: folder, DATABASE_URL: undefined }));
  await expect(opener.open()).rejects.toMatchObject({ reason: 'damaged' });
  expect(opener.health.error).toMatch(/npm run restore -- FILE/);
  expect(readFileSync(file()).equals(damaged)).toBe(true);
});

it('finds damage inside the file, and writes nothing more', async () => {
  const one = await open();
  await Promise.all(Array.from({ length: 300 }, (_, index) => one.write(setting(one, `${index}`, 'x'.repeat(3_000)))));
  await one.close();
  const whole = readFileSync(file());
  expect(whole.length).toBeGreaterThan(1_000_000);
  whole.fill(0x55, 600_000, 640_000);
  writeFileSync(file(), whole);
  const two = await open();
  await two.check();
  expect(two.health).toMatchObject({ state: 'not_saved', error: expect.stringContaining('damaged') });
  await expect(two.write(setting(two, 'new'))).rejects.toMatchObject({ reason: 'damaged' });
});

it('knows whether another connection has the file open', async () => {
  const one = await open();
  await one.write(setting(one, 'a'));
  expect(isOpenElsewhere(file())).toBe(true);
  await one.write(setting(one, 'b'));
  await one.close();
  expect(isOpenElsewhere(file())).toBe(false);
  const two = await open();
  expect(await names(two)).toEqual(['a', 'b']);
});

it('reports a folder that cannot be made', async () => {
  writeFileSync(join(folder, 'file'), '');
  await expect(openStore({ DATA_DIR: join(folder, 'file', 'data'), DATABASE_URL: undefined })).rejects.toMatchObject({
    reason: 'read_only',
  });
});

it('opens by itself, and reports it to those who wait, when the folder can be made again', async () => {
  writeFileSync(join(folder, 'file'), '');
  const opener = new StoreOpener(() => ({ DATA_DIR: join(folder, 'file', 'data'), DATABASE_URL: undefined }));
  const engines: string[] = [];
  opener.listeners.push(({ engine }) => engines.push(engine));
  await expect(opener.open()).rejects.toMatchObject({ reason: 'read_only' });
  rmSync(join(folder, 'file'));
  await expect.poll(() => opener.health, { timeout: 20_000 }).toEqual({ state: 'ok' });
  expect(engines).toEqual(['sqlite']);
  await (await opener.open()).close();
});

it('makes the folder for the owner alone, and leaves the mode of one that is there', async () => {
  const one = join(folder, 'new', 'data');
  await (await open(one)).close();
  expect(statSync(one).mode & 0o777).toBe(0o700);
  const other = join(folder, 'other');
  mkdirSync(other);
  chmodSync(other, 0o750);
  await (await open(other)).close();
  expect(statSync(other).mode & 0o777).toBe(0o750);
  expect(statSync(join(other, 'chill-space.db')).mode & 0o777).toBe(0o600);
});
