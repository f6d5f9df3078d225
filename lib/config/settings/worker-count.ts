import { availableParallelism } from 'node:os';
import { z } from 'zod';

const MAX_WORKERS = 128;

/** A number of workers, or `auto` for as many as this process may use cores. */
export const workerCount = () =>
  z
    .string()
    .regex(/^(?:auto|\d+)$/i, RULE)
    .transform((word) => (word.toLowerCase() === 'auto' ? Math.min(availableParallelism(), MAX_WORKERS) : Number(word)))
    .refine((count) => count >= 1 && count <= MAX_WORKERS, RULE);

const RULE = `must be auto or a whole number from 1 to ${MAX_WORKERS}`;
