import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isBuilt, sourceFingerprint, writeStamp } from './build.ts';

const PRODUCTS = [
  ...['BUILD_ID', 'build-manifest.json', 'prerender-manifest.json', 'required-server-files.json'],
  ...['routes-manifest.json', 'server/app-paths-manifest.json', 'static/chunks/a.js'],
].map((name) => `.next/${name}`);
const ENGINES = [
  ...['javascript.js', 'prelude.js', 'pyodide-lock.json', 'pyodide.asm.wasm', 'python.js', 'python_stdlib.zip'],
  'quickjs.wasm',
].map((name) => `public/demo/engine/${name}`);

let root: string;

function write(name: string, text = name): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), text);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-build-'));
  for (const name of [
    'app/page.tsx',
    'lib/deep/a.ts',
    'public/demo/frame.html',
    'package.json',
    ...PRODUCTS,
    ...ENGINES,
  ])
    write(name);
  writeStamp(root, sourceFingerprint(root));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

it('is up to date after a build, a touch and a copy', () => {
  expect(isBuilt(root)).toBe(true);
  utimesSync(join(root, 'lib/deep/a.ts'), new Date(), new Date());
  expect(isBuilt(root)).toBe(true);
  const copy = `${root}-copy`;
  cpSync(root, copy, { recursive: true });
  expect(isBuilt(copy)).toBe(true);
  rmSync(copy, { recursive: true });
});

it.each(['lib/deep/a.ts', 'app/page.tsx', 'public/demo/frame.html', 'package.json'])(
  'is out of date when %s has another content, and again up to date when it has the old one',
  (name) => {
    write(name, 'other');
    expect(isBuilt(root)).toBe(false);
    write(name);
    expect(isBuilt(root)).toBe(true);
  },
);

it('is out of date when a source came, went or was renamed, or a public setting changed', () => {
  write('lib/deep/b.ts');
  expect(isBuilt(root)).toBe(false);
  rmSync(join(root, 'lib/deep/b.ts'));
  expect(isBuilt(root)).toBe(true);
  vi.stubEnv('NEXT_PUBLIC_API_URL', 'http://elsewhere.example');
  expect(isBuilt(root)).toBe(false);
});

it('does not count tests, and what the build itself makes', () => {
  write('lib/deep/a.test.ts');
  write('public/demo/engine/python.js', 'made again');
  write('lib/runner/attacks/fork.py');
  expect(isBuilt(root)).toBe(true);
});

it.each([...PRODUCTS.slice(0, -1), '.next/static/chunks', '.next/chill-space-build', ...ENGINES])(
  'is not whole without %s, whatever the stamp says',
  (name) => {
    rmSync(join(root, name), { recursive: true });
    expect(isBuilt(root)).toBe(false);
  },
);

it('knows the build of another command', () => {
  write('.next/BUILD_ID', 'another');
  expect(isBuilt(root)).toBe(false);
});

it('writes no stamp over a build that is not whole', () => {
  rmSync(join(root, '.next/routes-manifest.json'));
  expect(() => writeStamp(root, sourceFingerprint(root))).toThrow(/without .next\/routes-manifest.json/);
});
