import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findAppPaths } from '#lib/server/app-paths';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-paths-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('returns the pages of the build, Next’s own files and those of public', () => {
  mkdirSync(join(root, '.next'));
  mkdirSync(join(root, 'public', 'fonts'), { recursive: true });
  writeFileSync(join(root, 'public', 'fonts', 'a.woff2'), '');
  const manifest = {
    '/page': '/',
    '/gateway/page': '/gateway',
    '/[...path]/route': '/[...path]',
    '/_not-found/page': '/_not-found',
  };
  writeFileSync(join(root, '.next', 'app-path-routes-manifest.json'), JSON.stringify(manifest));
  const isOwn = findAppPaths(root);
  for (const path of ['/', '/gateway', '/_next/static/x.js', '/fonts/a.woff2'])
    expect([path, isOwn(path)]).toEqual([path, true]);
  for (const path of ['/gateway/', '/gateway/x', '/fonts/b.woff2', '/x', '/_nextx', '//', '/[...path]'])
    expect([path, isOwn(path)]).toEqual([path, false]);
});

it('returns no pages without a build', () => {
  const isOwn = findAppPaths(root);
  expect([isOwn('/'), isOwn('/gateway'), isOwn('/_next/x')]).toEqual([false, false, true]);
});
