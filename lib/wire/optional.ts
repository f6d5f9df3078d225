import type { z } from 'zod';

/** A field that may be missing or null: clients in some languages send null for unset fields. */
export function optional<S extends z.ZodType>(schema: S) {
  return schema
    .nullable()
    .transform((value) => value ?? undefined)
    .optional();
}

/** Like `optional`, with a default for both. */
export function withDefault<S extends z.ZodType>(schema: S, fallback: NonNullable<z.output<S>>) {
  return schema
    .nullable()
    .transform((value) => value ?? fallback)
    .default(fallback as never);
}
