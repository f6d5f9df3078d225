/**
 * A look at what came over the network, before the page relies on it. It catches a proxy's error page or another
 * server; it is not the server's own validation, which would be 32 KB of every first view.
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

/** The kind of every field that is always there: leaving one out, or naming another kind, does not compile. */
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

/** JSON or nothing. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
