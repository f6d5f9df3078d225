import { z } from 'zod';

/** Wire of GET /api/models. */

export const providerIdSchema = z.enum(['ollama', 'openai', 'embedded']);
export type ProviderId = z.infer<typeof providerIdSchema>;

export const modelInfoSchema = z.object({
  id: z.string(),
  provider: providerIdSchema,
  size_bytes: z.number().nullable().describe('Null if the provider does not report it.'),
  parameter_size: z.string().nullable(),
  quantization: z.string().nullable(),
  context_length: z.number().nullable().describe('Tokens. Null if the provider does not report it.'),
  capabilities: z.object({ thinking: z.boolean(), vision: z.boolean(), tools: z.boolean() }),
  loaded: z.boolean().describe('Whether it is in memory, so that it responds without loading.'),
  is_default: z.boolean(),
  /** ISO 8601; missing if the provider does not report it. */
  modified_at: z.string().optional(),
});
export type ModelInfo = z.infer<typeof modelInfoSchema>;

export const providerStateSchema = z.object({
  id: providerIdSchema,
  reachable: z.boolean(),
  /** A sentence that says what to do if the provider is not reachable. */
  error: z.string().nullable(),
});
export type ProviderState = z.infer<typeof providerStateSchema>;

export const modelsSchema = z.object({
  models: z.array(modelInfoSchema),
  default_model: z.string(),
  providers: z.array(providerStateSchema),
  notice: z.string().nullable().describe('While the small built-in model is in use: how to get a better one.'),
});
export type Models = z.infer<typeof modelsSchema>;
