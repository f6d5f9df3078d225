import { z } from 'zod';

/**
 * Options of requests that administrators may set for a model, by Ollama's names. A seed is none:
 * it would make every response to a question the same.
 */

const wholeNumber = (min: number, max = 2 ** 31 - 1) => z.int().min(min).max(max);

const SHAPE = {
  temperature: z.number().min(0).max(2).describe('0 is the most likely token each time.'),
  top_p: z.number().min(0).max(1),
  top_k: wholeNumber(0),
  min_p: z.number().min(0).max(1),
  typical_p: z.number().min(0).max(1),
  repeat_penalty: z.number().min(0).max(10),
  repeat_last_n: wholeNumber(-1),
  presence_penalty: z.number().min(-2).max(2),
  frequency_penalty: z.number().min(-2).max(2),
  penalize_newline: z.boolean(),
  mirostat: wholeNumber(0, 2),
  mirostat_tau: z.number().min(0).max(1_000),
  mirostat_eta: z.number().min(0).max(1_000),
  stop: z.array(z.string().min(1).max(256)).min(1).max(16).describe('Texts at which a response ends.'),
  num_predict: wholeNumber(-2)
    .refine((tokens) => tokens !== 0, 'must not be 0: no token would be generated')
    .describe('Most tokens of a response; -1 is no limit.'),
  num_ctx: wholeNumber(1).describe('Tokens of the context. Another one makes Ollama load the model again.'),
  num_keep: wholeNumber(-1),
  num_batch: wholeNumber(1),
  num_gpu: wholeNumber(-1),
  main_gpu: wholeNumber(0),
  num_thread: wholeNumber(0),
  use_mmap: z.boolean(),
} as const;

type Shape = typeof SHAPE;
export type ModelParameterName = keyof Shape;
export const MODEL_PARAMETER_NAMES = Object.keys(SHAPE) as readonly ModelParameterName[];

/** The parameters of a model, as they are stored and shown. */
export const modelParametersSchema = z.strictObject(
  mapShape((schema) => schema.optional()) as { [Name in ModelParameterName]: z.ZodOptional<Shape[Name]> },
);
export type ModelParameters = z.infer<typeof modelParametersSchema>;

/** Changes the named ones; null removes one. */
export const modelParametersChangeSchema = z.strictObject(
  mapShape((schema) => schema.nullable().optional()) as {
    [Name in ModelParameterName]: z.ZodOptional<z.ZodNullable<Shape[Name]>>;
  },
);
export type ModelParametersChange = z.infer<typeof modelParametersChangeSchema>;

function mapShape(map: (schema: z.ZodType) => z.ZodType): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(SHAPE).map(([name, schema]) => [name, map(schema)]));
}
