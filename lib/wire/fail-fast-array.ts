import { z } from 'zod';
// Named imports of the core: `z.core` as a value would pull all of zod, with its locales, into
// each route bundle.
import { $constructor, type $ZodArrayDef, $ZodAsyncError, util } from 'zod/v4/core';

/** Error responses list as many issues. */
const MAX_ISSUES = 50;

/**
 * `z.array` that stops at its 50th issue. An invalid entry costs far more than a valid one, and a
 * body of 1 MiB may have 500,000 entries. For arrays of unions and objects.
 */
const FailFastArray = $constructor('FewFaultsArray', (list: z.ZodArray<z.ZodType>, def: $ZodArrayDef<z.ZodType>) => {
  z.ZodArray.init(list, def);
  const parse = list._zod.parse;
  const most = Math.min(...util.sizeCaps(def.checks).map(([maximum]) => maximum));
  list._zod.parse = (payload, context) => {
    const { value } = payload;
    // zod rejects an array that is too long before it parses an entry.
    if (!Array.isArray(value) || value.length > most) return parse(payload, context);
    const read: unknown[] = [];
    for (const [place, entry] of value.entries()) {
      const result = def.element._zod.run({ value: entry, issues: [] }, context);
      if (result instanceof Promise) throw new $ZodAsyncError();
      payload.issues.push(...util.prefixIssues(place, result.issues));
      if (payload.issues.length >= MAX_ISSUES) break;
      read.push(result.value);
    }
    payload.value = read;
    return payload;
  };
});

export function failFastArray<S extends z.ZodType>(element: S): z.ZodArray<S> {
  return new FailFastArray({ type: 'array', element }) as z.ZodArray<z.ZodType> as z.ZodArray<S>;
}
