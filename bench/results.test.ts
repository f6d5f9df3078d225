import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';

const cache = mkdtempSync(join(tmpdir(), 'bench-results-'));
vi.stubEnv('XDG_CACHE_HOME', cache);
const { readSections, writeSections } = await import('./results.ts');

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

it('keeps the tables of a commit in their order, and none of another', () => {
  writeSections(
    'abc',
    new Map([
      ['queue', '## Queue'],
      ['code', '## Code'],
    ]),
  );
  expect(readSections('abc')).toEqual([
    ['queue', '## Queue'],
    ['code', '## Code'],
  ]);
  expect(readSections('abd')).toEqual([]);
});

it('begins from the start where the kept tables are not readable', () => {
  writeFileSync(join(cache, 'chill-space', 'bench', 'results-cut.json'), '[["queue"');
  expect(readSections('cut')).toEqual([]);
});
