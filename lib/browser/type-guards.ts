/**
 * Checks a response before the page relies on it. It detects a proxy's error page or another
 * server. It does not replace the server's validation (docs/decisions/0005-no-zod-in-pages.md).
 */
export type TypeGuard<T> = (value: unknown) => value is T;

type KindOf<V> = [V] extends [string]
  ? 'string'
  : [V] extends [number]
    ? 'number'
    : [V] extends [boolean]
      ? 'boolean'
      : [V] extends [readonly unknown[]]
        ? 'array'
        : 'object';

/** The kind of every required field. A missing or wrong one does not compile. */
export type ObjectShape<T> = {
  [K in keyof T as undefined extends T[K] ? never : null extends T[K] ? never : K]: KindOf<T[K]>;
};

export function hasShape<T extends object>(shape: ObjectShape<T>): TypeGuard<T> {
  const fields = Object.entries<unknown>(shape);
  return (value): value is T =>
    isRecord(value) && fields.every(([name, kind]) => Object.hasOwn(value, name) && kindOf(value[name]) === kind);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return value === null ? 'null' : typeof value;
}

/** Undefined for invalid JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
