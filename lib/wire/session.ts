import { z } from 'zod';

/** Wire of /api/session: signing in and out. See docs/contract.md#access. */

export const signInSchema = z.object({ key: z.string().min(1, 'enter a key').max(1000) });

export const sessionSchema = z.object({
  needed: z.boolean().describe('false if the server has no keys.'),
  signed_in: z.boolean(),
});
export const signedInSchema = z.object({ signed_in: z.boolean() });
