import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openStore } from '#lib/store/open-store';

/** Resolves with the numbers of the pairs that were on disk when it was killed. */
async function killWhileWriting(folder: string, start: number, pairs: number): Promise<number[]> {
  const child = spawn(process.execPath, ['test/support/store-writer.ts', folder, `${start}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > pairs) child.kill('SIGKILL');
  });
  await new Promise((resolve) => child.once('close', resolve));
  return output.split('\n').slice(0, -1).map(Number);
}

it('keeps all that was reported as saved, and no half of a transaction, over kill -9', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crash-'));
  let start = 0;
  let saved = 0;
  for (const pairs of [10, 500, 3_000]) {
    const reported = await killWhileWriting(folder, start, pairs);
    expect(reported.length).toBeGreaterThanOrEqual(pairs);
    const opened = await openStore({ DATA_DIR: folder, DATABASE_URL: undefined });
    const names = new Set((await opened.db.selectFrom('settings').select('name').execute()).map(({ name }) => name));
    for (const number of reported)
      expect([...'ab'].map((half) => names.has(`${number}-${half}`))).toEqual([true, true]);
    expect(names.size % 2).toBe(0);
    for (const name of names)
      expect(names).toContain(name.endsWith('a') ? name.replace('a', 'b') : name.replace('b', 'a'));
    saved += reported.length;
    expect(names.size).toBeGreaterThanOrEqual(2 * saved);
    await opened.check();
    expect(opened.health).toEqual({ state: 'ok' });
    start = Math.max(...[...names].map((name) => Number.parseInt(name, 10))) + 1;
    await opened.close();
  }
  await rm(folder, { recursive: true });
});
