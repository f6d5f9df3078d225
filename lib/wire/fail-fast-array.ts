import { z } from 'zod';
// From the core itself: `z.core` as a value would take all of zod, with 50 languages, into each bundle.
import { $constructor, type $ZodArrayDef, $ZodAsyncError, util } from 'zod/v4/core';

/** Faults that are looked for in one list: an answer names 50 of them at most. */
const MAX_FAULTS = 50;

/**
 * `z.array` that stops at the entry with which it has 50 faults: each costs far more than an entry
 * that is right, and a body of 1 MiB may have 500,000. For lists of what a union or an object is.
 */
const FailFastArray = $constructor('FewFaultsArray', (list: z.ZodArray<z.ZodType>, def: $ZodArrayDef<z.ZodType>) => {
  z.ZodArray.init(list, def);
  const parse = list._zod.parse;
  const most = Math.min(...util.sizeCaps(def.checks).map(([maximum]) => maximum));
  list._zod.parse = (payload, context) => {
    const { value } = payload;
    // zod refuses a list that is too long before it looks at an entry.
    if (!Array.isArray(value) || value.length > most) return parse(payload, context);
    const read: unknown[] = [];
    for (const [place, entry] of value.entries()) {
      const result = def.element._zod.run({ value: entry, issues: [] }, context);
      if (result instanceof Promise) throw new $ZodAsyncError();
      payload.issues.push(...util.prefixIssues(place, result.issues));
      if (payload.issues.length >= MAX_FAULTS) break;
      read.push(result.value);
    }
    payload.value = read;
    return payload;
  };
});

/** A list of `element`, which stops at its 50th fault. */
export function failFastArray<S extends z.ZodType>(element: S): z.ZodArray<S> {
  return new FailFastArray({ type: 'array', element }) as z.ZodArray<z.ZodType> as z.ZodArray<S>;
}
