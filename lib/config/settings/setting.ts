import type { z } from 'zod';

/** One environment variable. */
export interface Setting<T = unknown> {
  schema: z.ZodType<T>;
  /**
   * The default, as it is written in the environment. Undefined for a default that depends on the
   * machine or on other settings; the description names it.
   */
  fallback: string | undefined;
  /** One line, for `.env.example`. */
  description: string;
}

export function setting<T>(schema: z.ZodType<T>, fallback: string | undefined, description: string): Setting<T> {
  return { schema, fallback, description };
}
