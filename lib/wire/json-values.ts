import { z } from 'zod';

/**
 * Parts of a JSON body that are passed on as they are. They were parsed from JSON, so nothing in
 * them is checked: a large one costs no more than its own names.
 */

export type JsonValue = z.core.util.JSONType;

export const jsonValueSchema = z.unknown() as z.ZodType<JsonValue>;

/** An object of any size, as JSON Schemas and the arguments of tools are. */
export const jsonObjectSchema = z.record(z.string(), jsonValueSchema);

/** Names in an object of settings: far more than any model server knows. */
export const MAX_SETTINGS = 200;

/** An object of settings or notes, which are few. */
export const smallObjectSchema = jsonObjectSchema.refine(...namesAtMost(MAX_SETTINGS));

/** For `refine`: an object has at most `most` names. */
export function namesAtMost(most: number): [(value: object) => boolean, string] {
  return [(value) => Object.keys(value).length <= most, `must have at most ${most} names`];
}
