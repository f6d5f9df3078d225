import type { z } from 'zod';

/**
 * Returns a copy of an object's shape whose fields have these descriptions. For shapes that
 * several objects share; other fields have their `.describe()` in place. The OpenAPI document
 * shows them.
 */
export function describeFields<S extends Readonly<Record<string, z.ZodType>>>(
  shape: S,
  descriptions: { readonly [Field in keyof S]?: string | undefined },
): S {
  const entries = Object.entries(shape).map(([name, schema]) => {
    const description = descriptions[name];
    return [name, description === undefined ? schema : schema.describe(description)];
  });
  return Object.fromEntries(entries) as S;
}
