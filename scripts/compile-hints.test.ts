import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HINT, hintScripts } from './compile-hints.mjs';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-hints-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('is on top of each script once, however often it is put there, and on nothing else', () => {
  const folder = join(root, '.next/static/chunks');
  mkdirSync(join(folder, 'deep'), { recursive: true });
  const files = ['a.js', 'deep/b.js', 'c.css'].map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, 'x');
  hintScripts(root);
  hintScripts(root);
  expect(files.map((file) => readFileSync(file, 'utf8'))).toEqual([`${HINT}x`, `${HINT}x`, 'x']);
});
