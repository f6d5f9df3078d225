import { z } from 'zod';

/**
 * A JSON object with every key that it has, `__proto__` too, at any depth: the value that was given,
 * not a copy. zod's records leave `__proto__` out of their copies, which would hand a model or its
 * tool another value than the one that was sent.
 */
export function jsonObject() {
  return asGiven(z.record(z.string(), z.json()));
}

/** Any JSON value, as `jsonObject`. */
export function jsonValue() {
  return asGiven(z.json());
}

/** The same checks, with the input itself as the output. Only for schemas that change nothing. */
function asGiven<S extends z.ZodType>(schema: S): S {
  const { run } = schema._zod;
  schema._zod.run = (payload, context) => {
    const given = payload.value;
    const checked = run(payload, context);
    if (checked instanceof Promise) return checked.then((result) => withValue(result, given));
    return withValue(checked, given);
  };
  return schema;
}

function withValue(result: z.core.ParsePayload, given: unknown): z.core.ParsePayload {
  if (result.issues.length === 0) result.value = given;
  return result;
}
