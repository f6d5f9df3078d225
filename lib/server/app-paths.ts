import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.record(z.string(), z.string());

/**
 * Returns a predicate for paths that Next serves: pages, its own files and the files of `public`.
 * Route files are in the route table. It reflects the build at start time.
 */
export function findAppPaths(root: string): (pathname: string) => boolean {
  const paths = new Set([...pagePaths(root), ...publicPaths(root)]);
  return (pathname) =>
    paths.has(pathname) ||
    pathname.startsWith('/_next/') ||
    // Next redirects it to the page. `/gateway/` is the backend's root.
    (pathname.length > 2 && pathname.endsWith('/') && pathname !== '/gateway/' && paths.has(pathname.slice(0, -1)));
}

function pagePaths(root: string): string[] {
  const file = join(root, '.next', 'app-path-routes-manifest.json');
  if (!existsSync(file)) return [];
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return Object.values(manifest).filter((path) => !path.includes('['));
}

/** The URL paths of the files in `public`, which need no key. */
export function findPublicFiles(root: string): ReadonlySet<string> {
  const folder = join(root, 'public');
  if (!existsSync(folder)) return new Set();
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  return new Set(files.map((file) => `/${relative(folder, file).split(sep).join('/')}`));
}

function publicPaths(root: string): string[] {
  const folder = join(root, 'public');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => `/${path.split(sep).join('/')}`);
}
