import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '#lib/config/settings';

/** The rows of all tables in docs/buffers.md: [buffer, bound, where, above it, test]. */
const rows = readFileSync('docs/buffers.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| ---') && !line.startsWith('| buffer'))
  .map((line) => line.slice(2, -2).split(' | '));
const settings: Record<string, { fallback: string | undefined }> = SETTINGS;

describe('the table of buffers', () => {
  it('has rows of five cells', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.filter((cells) => cells.length !== 5)).toEqual([]);
  });

  it.each(rows)(
    'names where %s is bounded, to what, and a test that tries it',
    (_buffer, bound, where, _above, test) => {
      const [, first = '', constant] = /^`([^`]+)`(?: `([A-Z_]+)`)?$/.exec(where ?? '') ?? [];
      if (constant === undefined) {
        const fallback = settings[first]?.fallback;
        expect([first, typeof fallback]).toEqual([first, 'string']);
        expect(bound?.replaceAll(',', '').split(/[ .;]/)).toContain(fallback);
      } else expect(readFileSync(first, 'utf8')).toMatch(new RegExp(`^(?:export )?const ${constant}\\b`, 'm'));
      expect(existsSync(test?.replaceAll('`', '') ?? '')).toBe(true);
    },
  );

  it('has every setting that bounds a size or a line', () => {
    const bounding = Object.keys(SETTINGS).filter((name) => /(_MB|_MAX_QUEUE|_MAX_SIZE|OUTPUT_BYTES)$/.test(name));
    // What is set aside for compilers and waiting sandboxes is filled by this server, and a batch
    // is a part of the line.
    const own = ['CODE_COMPILE_MEMORY_MB', 'CODE_WARM_MEMORY_MB', 'BATCH_MAX_SIZE'];
    const named = rows.map(([, , where]) => where?.replaceAll('`', ''));
    expect(bounding.filter((name) => !named.includes(name) && !own.includes(name))).toEqual([]);
  });
});
