import { z } from 'zod';

/**
 * Parts of what a model server sends. What a response is made of is read strictly; what only adds to it is undefined
 * where it is missing, null or of another type, and costs nothing else.
 */

/** A text that only adds to the response. */
export const anyText = z.string().optional().catch(undefined);
/** A word, such as why a response ended. */
export const anyWord = z.string().max(64).optional().catch(undefined);
/** A text that the response is made of: null and missing are none, another type is an error. */
export const ownText = z.string().nullish();
/** A number of tokens, bytes or nanoseconds. */
export const count = z.number().nonnegative().optional().catch(undefined);
/** A whole number above 0, which some servers send as a text. */
export const size = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^\d{1,15}$/)
      .transform(Number),
  ])
  .transform((value) => (value > 0 ? value : undefined))
  .optional()
  .catch(undefined);
export const anyTexts = lenientList(z.string());

/** Names that a request can have. */
export const MAX_NAME_CHARACTERS = 256;
export const nameSchema = z.string().min(1).max(MAX_NAME_CHARACTERS);

/** More models than this are not listed. */
export const MAX_MODELS = 2_000;

/** A list in which an entry of another form is left out, and which is empty where it is no list at all. */
export function lenientList<T extends z.ZodType>(entry: T) {
  return strictList(entry)
    .nullish()
    .catch(undefined)
    .transform((entries) => entries ?? []);
}

/** A list in which an entry of another form is left out. What is no list at all is an error. */
export function strictList<T extends z.ZodType>(entry: T) {
  return z.array(z.unknown()).transform((values) =>
    values.slice(0, MAX_MODELS).flatMap((value): z.output<T>[] => {
      const parsed = entry.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

/** An object that only adds to what is sent. */
export function lenientObject<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape).optional().catch(undefined);
}
