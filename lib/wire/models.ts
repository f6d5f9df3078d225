import { z } from 'zod';

/** Wire of GET /api/models. */

export const providerIdSchema = z.enum(['ollama', 'openai', 'embedded']);
export type ProviderId = z.infer<typeof providerIdSchema>;

export const modelInfoSchema = z.object({
  id: z.string(),
  provider: providerIdSchema,
  size_bytes: z.number().nullable().describe('Null where the provider does not say.'),
  parameter_size: z.string().nullable(),
  quantization: z.string().nullable(),
  context_length: z.number().nullable().describe('Tokens. Null where the provider does not say.'),
  capabilities: z.object({ thinking: z.boolean(), vision: z.boolean(), tools: z.boolean() }),
  loaded: z.boolean().describe('Whether it answers without being loaded first.'),
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
  notice: z
    .string()
    .nullable()
    .describe('A sentence where the small built-in model answers, and how to get a better one.'),
});
export type Models = z.infer<typeof modelsSchema>;
