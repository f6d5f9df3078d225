import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.record(z.string(), z.string());

/**
 * Tells which paths the pages' side of the app serves: pages, Next's own files and those of `public`. Route files are the route
 * table's. As it was built: a path that only a rebuilt app has is not its own until then.
 */
export function findAppPaths(root: string): (pathname: string) => boolean {
  const own = new Set([...pagePaths(root), ...publicPaths(root)]);
  return (pathname) =>
    own.has(pathname) ||
    pathname.startsWith('/_next/') ||
    // Next answers it with a redirect to the page. `/gateway/` is the backend's root.
    (pathname.length > 2 && pathname.endsWith('/') && pathname !== '/gateway/' && own.has(pathname.slice(0, -1)));
}

function pagePaths(root: string): string[] {
  const file = join(root, '.next', 'app-path-routes-manifest.json');
  if (!existsSync(file)) return [];
  const manifest = manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  return Object.values(manifest).filter((path) => !path.includes('['));
}

/** The paths of the files of `public`, which need no key. */
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
