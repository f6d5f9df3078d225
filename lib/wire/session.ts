import { z } from 'zod';

/** The wire of /api/session: signing in and out. */

export const signInSchema = z.object({ key: z.string().min(1, 'enter a key').max(1000) });

/** `needed` is false where the server has no keys, and everyone is signed in. */
export const sessionSchema = z.object({ needed: z.boolean(), signed_in: z.boolean() });
export const signedInSchema = z.object({ signed_in: z.boolean() });
