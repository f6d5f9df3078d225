import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, expect, it, vi } from 'vitest';

const require = createRequire(import.meta.url);
const load: (source: string) => string = require('../../scripts/uplot-loader.cjs');
const SOURCE = readFileSync(join(import.meta.dirname, '..', '..', 'node_modules/uplot/dist/uPlot.esm.js'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'chill-space-uplot-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllGlobals());

async function askedWhileLoading(name: string, source: string): Promise<number> {
  const path = join(folder, name);
  writeFileSync(path, source);
  let asked = 0;
  const counted = (kind: 'DateTimeFormat' | 'NumberFormat') =>
    new Proxy(Intl[kind], {
      construct: (target, parameters) => {
        asked += 1;
        return Reflect.construct(target, parameters);
      },
    });
  const { DateTimeFormat, NumberFormat } = {
    DateTimeFormat: counted('DateTimeFormat'),
    NumberFormat: counted('NumberFormat'),
  };
  vi.stubGlobal('Intl', { DateTimeFormat, NumberFormat });
  const { default: uPlot } = await import(pathToFileURL(path).href);
  const whileLoading = asked;
  // And a time in the own zone is what it always was.
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  expect(uPlot.tzDate(new Date(0), zone).getTime()).toBe(0);
  return whileLoading;
}

it('loads uPlot without a question for zone and number format', async () => {
  expect(await askedWhileLoading('as-it-is.mjs', SOURCE)).toBe(2);
  expect(await askedWhileLoading('later.mjs', load(SOURCE))).toBe(0);
});

it('fails where uPlot reads otherwise', () => {
  expect(() => load('export default 1;')).toThrow('uPlot no longer has the line: const numFormatter');
});
