import { readdir } from 'node:fs/promises';
import { join, sep } from 'node:path';

/**
 * Finds Next's route files and matches paths by Next's rules: a folder per segment, `[name]` for
 * one segment, `[...name]` for the rest, `(group)` for nothing; static before dynamic before
 * catch-all.
 */
export interface RouteFile<T> {
  /** The folder's path without groups: `/api/executors/[language]/info`. */
  pattern: string;
  file: string;
  value: T;
}

export interface RouteMatch<T> {
  route: RouteFile<T>;
  params: Record<string, string | string[]>;
}

/** Finds the route files below `appFolder`, each with the value that `load` returns for it. */
export async function findRouteFiles<T>(
  appFolder: string,
  load: (file: string) => Promise<T>,
): Promise<RouteFile<T>[]> {
  const entries = await readdir(appFolder, { recursive: true });
  const files = entries.filter((entry) => entry === 'route.ts' || entry.endsWith(`${sep}route.ts`)).sort();
  return await Promise.all(
    files.map(async (entry) => {
      const segments = entry.split(sep).slice(0, -1);
      const pattern = `/${segments.filter((segment) => !/^\(.*\)$/.test(segment)).join('/')}`;
      const file = join(appFolder, entry);
      return { pattern, file, value: await load(file) };
    }),
  );
}

/**
 * Returns a matcher of `routes`. Static patterns cost one look-up, the others are tried in Next's
 * order of precedence.
 */
export function createRouteTable<T>(routes: readonly RouteFile<T>[]): (pathname: string) => RouteMatch<T> | undefined {
  const fixed = new Map<string, RouteMatch<T>>();
  const dynamic: { route: RouteFile<T>; prefix: string; segments: string[] }[] = [];
  for (const route of routes) {
    const bracket = route.pattern.indexOf('[');
    const segments = route.pattern.slice(1).split('/');
    if (bracket !== -1) dynamic.push({ route, prefix: route.pattern.slice(0, bracket), segments });
    else fixed.set(route.pattern, { route, params: {} });
  }
  dynamic.sort((a, b) => compareSpecificity(a.segments, b.segments));
  return (pathname) => {
    const exact = fixed.get(pathname);
    if (exact !== undefined || dynamic.length === 0) return exact;
    let parts: string[] | undefined;
    for (const { route, prefix, segments } of dynamic) {
      if (!pathname.startsWith(prefix)) continue;
      parts ??= pathname.slice(1).split('/');
      const params = matchSegments(segments, parts);
      if (params !== undefined) return { route, params };
    }
    return undefined;
  };
}

function matchSegments(
  segments: readonly string[],
  parts: readonly string[],
): Record<string, string | string[]> | undefined {
  const params: Record<string, string | string[]> = {};
  for (const [index, segment] of segments.entries()) {
    const rest = /^\[\.\.\.(.+)\]$/.exec(segment)?.[1];
    if (rest !== undefined) {
      const values = parts.slice(index).map(decode);
      if (values.length === 0 || values.some((value) => value === undefined || value === '')) return undefined;
      params[rest] = values.filter((value) => value !== undefined);
      return params;
    }
    const part = parts[index];
    if (part === undefined || part === '') return undefined;
    const name = /^\[(.+)\]$/.exec(segment)?.[1];
    if (name === undefined) {
      if (part !== segment) return undefined;
    } else {
      const value = decode(part);
      if (value === undefined) return undefined;
      params[name] = value;
    }
  }
  return parts.length === segments.length ? params : undefined;
}

/** Undefined for invalid percent-encoding. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function compareSpecificity(a: readonly string[], b: readonly string[]): number {
  const weight = (segment: string | undefined) =>
    segment === undefined ? 3 : segment.startsWith('[...') ? 2 : segment.startsWith('[') ? 1 : 0;
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = weight(a[index]) - weight(b[index]);
    if (difference !== 0) return difference;
  }
  return 0;
}
