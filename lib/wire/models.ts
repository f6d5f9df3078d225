import { z } from 'zod';

/** Wire of GET /api/models. */

export const providerIdSchema = z.enum(['ollama', 'openai', 'embedded']);
export type ProviderId = z.infer<typeof providerIdSchema>;

/** Option values by their name in a request. Names that are missing have no known default. */
export const optionDefaultsSchema = z
  .object({
    temperature: z.number(),
    top_p: z.number(),
    top_k: z.number(),
    seed: z.number(),
    stop: z.array(z.string()),
    num_predict: z.number().describe('−1 is no bound.'),
    num_ctx: z.number(),
  })
  .partial();
export type OptionDefaults = z.infer<typeof optionDefaultsSchema>;

export const modelInfoSchema = z.object({
  id: z.string(),
  display_name: z.string().optional().describe('What people see instead of the id, if an administrator has set it.'),
  provider: providerIdSchema,
  size_bytes: z.number().nullable().describe('Null if the provider does not report it.'),
  parameter_size: z.string().nullable(),
  quantization: z.string().nullable(),
  context_length: z.number().nullable().describe('Tokens. Null if the provider does not report it.'),
  capabilities: z.object({ thinking: z.boolean(), vision: z.boolean(), tools: z.boolean() }),
  usable_context_length: z
    .number()
    .nullable()
    .optional()
    .describe('Tokens that a conversation can have here, within context_length. Missing or null if unknown.'),
  thinking_modes: z
    .array(z.enum(['off', 'on', 'low', 'medium', 'high']))
    .optional()
    .describe('The values of think that the model distinguishes. Missing if it does not reason.'),
  defaults: optionDefaultsSchema
    .optional()
    .describe("Options that the model sets itself. They replace the provider's defaults."),
  loaded: z.boolean().describe('Whether it is in memory, so that it responds without loading.'),
  is_default: z.boolean(),
  servers: z.array(z.string()).optional().describe('Names of the model servers that have it.'),
  digest: z.string().optional().describe('Of its files. Missing if the model server does not report it.'),
  versions_differ: z.boolean().optional().describe('Its model servers have different versions of it.'),
  alias_of: z
    .array(z.string())
    .optional()
    .describe('For a name of MODEL_ALIASES: the models that it stands for, in the order in which they are tried.'),
  /** ISO 8601; missing if the provider does not report it. */
  modified_at: z.string().optional(),
});
export type ModelInfo = z.infer<typeof modelInfoSchema>;

export const providerStateSchema = z.object({
  id: providerIdSchema,
  reachable: z.boolean(),
  /** A sentence that says what to do if the provider is not reachable. */
  error: z.string().nullable(),
  options: z.array(z.string()).optional().describe('Names of the options that reach its models.'),
  defaults: optionDefaultsSchema.optional().describe('The values of options that a request leaves out.'),
});
export type ProviderState = z.infer<typeof providerStateSchema>;

export const modelsSchema = z.object({
  models: z.array(modelInfoSchema),
  default_model: z.string(),
  providers: z.array(providerStateSchema),
  has_system_prompt: z
    .boolean()
    .optional()
    .describe('Whether OLLAMA_SYSTEM_PROMPT applies to requests that bring no system prompt.'),
  notice: z
    .string()
    .nullable()
    .describe(
      'While the small built-in model is in use: how to get a better one. If no model is available to the caller: what to do.',
    ),
});
export type Models = z.infer<typeof modelsSchema>;
