import { z } from 'zod';

/**
 * Parts of what a model server sends. A value that is missing, null or of another type is
 * undefined, and costs nothing else: one odd value must not cost the whole response.
 */

/** More models than this are not listed. */
const MAX_MODELS = 2_000;
/** For lists whose length the size of a piece bounds. */
export const ANY_LENGTH = Number.POSITIVE_INFINITY;

/** A text that only adds to the response. */
export const lenientText = z.string().optional().catch(undefined);
/** A word, such as why a response ended. */
export const lenientWord = z.string().max(64).optional().catch(undefined);
/** Text as a string, or a number as its digits: some servers send a token `5` as a number. */
export const textOrNumber = z.union([z.string(), z.number().transform(String)]);
/** A piece of the response's text. */
export const lenientContent = textOrNumber.optional().catch(undefined);
/** A number of bytes. */
export const lenientByteCount = z.int().nonnegative().optional().catch(undefined);
/** A measured time of at most a day, which is longer than any response takes. */
const MAX_NS = 86_400e9;
export const lenientNanoseconds = z.int().nonnegative().max(MAX_NS).optional().catch(undefined);
export const lenientMilliseconds = z
  .number()
  .nonnegative()
  .max(MAX_NS / 1e6)
  .optional()
  .catch(undefined);
/**
 * No response has so many tokens. Sums of wilder numbers would stay wrong until the process ends.
 */
const MAX_TOKENS = 1e9;
/** A number of tokens. */
export const lenientTokenCount = z.int().nonnegative().max(MAX_TOKENS).optional().catch(undefined);
/** A whole number above 0, which some servers send as a text. */
export const lenientPositiveInt = z
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
export const lenientTexts = lenientList(z.string());

/** Names that a request can have. */
export const MAX_NAME_CHARACTERS = 256;
export const nameSchema = z.string().min(1).max(MAX_NAME_CHARACTERS);

/**
 * A list without its entries of another form, and without those after the first `max`. Empty for
 * what is not a list.
 */
export function lenientList<T extends z.ZodType>(entry: T, max = MAX_MODELS) {
  return strictList(entry, max)
    .nullish()
    .catch(undefined)
    .transform((entries) => entries ?? []);
}

/**
 * A list without its entries of another form, and without those after the first `max`. What is not
 * a list is an error.
 */
export function strictList<T extends z.ZodType>(entry: T, max = MAX_MODELS) {
  return z.array(z.unknown()).transform((values) =>
    values.slice(0, max).flatMap((value): z.output<T>[] => {
      const parsed = entry.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

/** An object that only adds to what is sent. */
export function lenientObject<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape).optional().catch(undefined);
}
