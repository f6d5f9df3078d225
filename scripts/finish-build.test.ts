import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { finishBuild, HINT } from './finish-build.ts';

let root: string;
const place = (name: string) => join(root, '.next/static', name);
const read = (name: string) => readFileSync(place(name), 'utf8');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-build-'));
  mkdirSync(place('chunks/deep'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

it('puts the hint on top of each script once, however often it is done, and on nothing else', async () => {
  const files = ['chunks/a.js', 'chunks/deep/b.js', 'chunks/c.css', 'chunks/d.svg'];
  for (const file of files) writeFileSync(place(file), 'x');
  await finishBuild(root);
  await finishBuild(root);
  expect(files.map(read)).toEqual([`${HINT}x`, `${HINT}x`, 'x', 'x']);
});

it('writes compressed files next to scripts and styles that are worth it', async () => {
  writeFileSync(place('chunks/a.js'), 'let a;'.repeat(1000));
  writeFileSync(place('chunks/b.css'), 'b {}'.repeat(1000));
  writeFileSync(place('chunks/small.js'), 'x');
  await finishBuild(root);
  for (const file of ['chunks/a.js', 'chunks/b.css']) {
    expect(brotliDecompressSync(readFileSync(place(`${file}.br`))).toString()).toBe(read(file));
    expect(gunzipSync(readFileSync(place(`${file}.gz`))).toString()).toBe(read(file));
  }
  expect(existsSync(place('chunks/small.js.br'))).toBe(false);
});
