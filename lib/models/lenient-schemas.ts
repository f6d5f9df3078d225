import { z } from 'zod';

/**
 * Schemas for data of model servers. A value that is missing, null or of another type becomes
 * undefined: one odd value must not fail the whole response.
 */

/** A list is cut after this many models. */
const MAX_MODELS = 2_000;
/** For lists that are bounded by the size of their piece of the stream. */
export const ANY_LENGTH = Number.POSITIVE_INFINITY;

/** An optional text. */
export const lenientText = z.string().optional().catch(undefined);
/** The longest reason of a response's end. */
export const MAX_WORD_CHARACTERS = 64;
/** An optional word, such as the reason of a response's end. */
export const lenientWord = z.string().max(MAX_WORD_CHARACTERS).optional().catch(undefined);
/** A string, or a number as its digits: some servers send the token `5` as a number. */
export const textOrNumber = z.union([z.string(), z.number().transform(String)]);
/** A piece of the response's text. */
export const lenientContent = textOrNumber.optional().catch(undefined);
/** A number of bytes. */
export const lenientByteCount = z.int().nonnegative().optional().catch(undefined);
/** A day, longer than any response takes. */
const MAX_NS = 86_400e9;
export const lenientNanoseconds = z.int().nonnegative().max(MAX_NS).optional().catch(undefined);
export const lenientMilliseconds = z
  .number()
  .nonnegative()
  .max(MAX_NS / 1e6)
  .optional()
  .catch(undefined);
/** Above any real count. A wilder number would spoil the sums for the life of the process. */
export const MAX_TOKEN_COUNT = 1e9;
/** A number of tokens. */
export const lenientTokenCount = z.int().nonnegative().max(MAX_TOKEN_COUNT).optional().catch(undefined);
/** A whole number above 0. Some servers send it as a string. */
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

/** The length limit of a model's or a tool's name in a request. */
export const MAX_NAME_CHARACTERS = 256;
export const nameSchema = z.string().min(1).max(MAX_NAME_CHARACTERS);

/** A list without invalid entries, cut after `max`. Empty if the value is no list. */
export function lenientList<T extends z.ZodType>(entry: T, max = MAX_MODELS) {
  return strictList(entry, max)
    .nullish()
    .catch(undefined)
    .transform((entries) => entries ?? []);
}

/** A list without invalid entries, cut after `max`. Fails if the value is no list. */
export function strictList<T extends z.ZodType>(entry: T, max = MAX_MODELS) {
  return z.array(z.unknown()).transform((values) =>
    values.slice(0, max).flatMap((value): z.output<T>[] => {
      const parsed = entry.safeParse(value);
      return parsed.success ? [parsed.data] : [];
    }),
  );
}

/** An optional object. */
export function lenientObject<T extends z.ZodRawShape>(shape: T) {
  return z.object(shape).optional().catch(undefined);
}
