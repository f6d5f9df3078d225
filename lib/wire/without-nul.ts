import type { z } from 'zod';

export const HAS_NUL = 'must not contain the character NUL';

/** A text that Postgres stores and compares: it takes every character but NUL. */
export function withoutNul(schema: z.ZodString): z.ZodString {
  return schema.refine((text) => !text.includes('\0'), HAS_NUL);
}
