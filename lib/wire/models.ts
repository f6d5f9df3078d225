import { z } from 'zod';

/** The wire of GET /api/models (SPEC §2.5). */

export const providerIdSchema = z.enum(['ollama', 'openai', 'embedded']);
export type ProviderId = z.infer<typeof providerIdSchema>;

export const modelInfoSchema = z.object({
  id: z.string(),
  provider: providerIdSchema,
  /** Null where the provider does not say. */
  size_bytes: z.number().nullable(),
  parameter_size: z.string().nullable(),
  quantization: z.string().nullable(),
  context_length: z.number().nullable(),
  capabilities: z.object({ thinking: z.boolean(), vision: z.boolean(), tools: z.boolean() }),
  loaded: z.boolean(),
  is_default: z.boolean(),
  /** ISO 8601; left out where the provider does not say. */
  modified_at: z.string().optional(),
});
export type ModelInfo = z.infer<typeof modelInfoSchema>;

export const providerStateSchema = z.object({
  id: providerIdSchema,
  reachable: z.boolean(),
  /** What to do where it is not reachable, as a sentence. */
  error: z.string().nullable(),
});
export type ProviderState = z.infer<typeof providerStateSchema>;

export const modelsSchema = z.object({
  models: z.array(modelInfoSchema),
  default_model: z.string(),
  providers: z.array(providerStateSchema),
  /**
   * A sentence for the page, where no model answers or only the small built-in one, and how to get
   * a better one.
   */
  notice: z.string().nullable(),
});
export type Models = z.infer<typeof modelsSchema>;
