import type { z } from 'zod';

/**
 * A field that may be left out or be null, which mean the same: clients of other languages write
 * null for "not set".
 */
export function optional<S extends z.ZodType>(schema: S) {
  return schema
    .nullable()
    .transform((value) => value ?? undefined)
    .optional();
}

/** As `optional`, with the value that stands for both. */
export function withDefault<S extends z.ZodType>(schema: S, fallback: NonNullable<z.output<S>>) {
  return schema
    .nullable()
    .transform((value) => value ?? fallback)
    .default(fallback as never);
}
