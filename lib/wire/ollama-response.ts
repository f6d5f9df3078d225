import { z } from 'zod';
import { roleSchema, tokenLogprobSchema, toolCallSchema } from '#lib/wire/chat';

/**
 * Responses of Ollama's API. See docs/contract.md#ollama. Durations are nanoseconds, and a stream
 * has them in its last line only.
 */

const ending = {
  done: z.boolean(),
  done_reason: z.string().optional(),
  logprobs: z.array(tokenLogprobSchema).optional(),
  total_duration: z.number().optional(),
  load_duration: z.number().optional(),
  prompt_eval_count: z.number().optional(),
  prompt_truncated: z.boolean().optional().describe('true where the model did not read the whole conversation.'),
  prompt_eval_duration: z.number().optional(),
  eval_count: z.number().optional(),
  eval_duration: z.number().optional(),
};

export const ollamaChatResponseSchema = z.object({
  model: z.string(),
  created_at: z.string(),
  message: z.object({
    role: roleSchema,
    content: z.string(),
    thinking: z.string().optional(),
    tool_calls: z.array(toolCallSchema).optional(),
  }),
  ...ending,
});

export const ollamaGenerateResponseSchema = z.object({
  model: z.string(),
  created_at: z.string(),
  response: z.string(),
  thinking: z.string().optional(),
  context: z
    .array(z.number())
    .optional()
    .describe('Tokens of the conversation so far, for `context` of the next request. From Ollama only.'),
  ...ending,
});

/** The last line of a stream that failed after its start. */
export const ollamaStreamErrorSchema = z.object({ error: z.string() });

const detailsSchema = z.object({
  parent_model: z.string(),
  format: z.string(),
  family: z.string(),
  families: z.array(z.string()).nullable(),
  parameter_size: z.string(),
  quantization_level: z.string(),
});

export const ollamaTagSchema = z.object({
  name: z.string(),
  model: z.string(),
  modified_at: z.string(),
  size: z.number(),
  digest: z.string(),
  details: detailsSchema,
});

export const ollamaTagsSchema = z.object({ models: z.array(ollamaTagSchema) });

export const ollamaRunningSchema = z.object({
  models: z.array(
    ollamaTagSchema.omit({ modified_at: true }).extend({
      expires_at: z.string(),
      size_vram: z.number(),
      context_length: z.number().optional(),
    }),
  ),
});

/** A model of Ollama has all fields that Ollama reports. */
export const ollamaShowResponseSchema = z.object({
  details: detailsSchema,
  model_info: z.record(z.string(), z.unknown()),
  capabilities: z.array(z.string()).optional(),
  license: z.string().optional(),
  modelfile: z.string().optional(),
  parameters: z.string().optional(),
  template: z.string().optional(),
  system: z.string().optional(),
  modified_at: z.string().optional(),
});

export const ollamaVersionSchema = z.object({ version: z.string() });
