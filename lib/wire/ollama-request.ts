import { z } from 'zod';
import {
  formatSchema,
  imageSchema,
  keepAliveSchema,
  MAX_MESSAGES,
  messageSchema,
  optionsSchema,
  thinkSchema,
  toolSchema,
  topLogprobsSchema,
} from '#lib/wire/chat';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { optional } from '#lib/wire/optional';

/**
 * Ollama's chat and generate as they are read here. What becomes of each field stands in
 * `request-fields.ts`; names that are in neither are reported in the response header
 * `X-Ignored-Fields`.
 */

const common = {
  model: z.string().min(1).max(256),
  stream: optional(z.boolean()),
  format: optional(z.union([formatSchema, z.literal('')])),
  options: optional(optionsSchema),
  think: optional(thinkSchema),
  keep_alive: optional(keepAliveSchema),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(topLogprobsSchema),
};

export const ollamaChatSchema = z.object({
  ...common,
  messages: optional(failFastArray(messageSchema.extend({ content: optional(z.string()) })).max(MAX_MESSAGES)),
  tools: optional(z.array(toolSchema).max(128)),
});
export type OllamaChat = z.infer<typeof ollamaChatSchema>;

/** Known, so that it can be refused by name. */
const sizeSchema = optional(z.number());

export const ollamaGenerateSchema = z.object({
  ...common,
  prompt: optional(z.string()),
  system: optional(z.string()),
  images: optional(z.array(imageSchema).max(16)),
  suffix: optional(z.string()),
  template: optional(z.string()),
  raw: optional(z.boolean()),
  context: optional(z.array(z.number())),
  width: sizeSchema,
  height: sizeSchema,
  steps: sizeSchema,
});
export type OllamaGenerate = z.infer<typeof ollamaGenerateSchema>;

const modelNameSchema = z.string().min(1).max(256);

/** `name` is how older clients call the field. */
export const ollamaShowSchema = z
  .object({ model: optional(modelNameSchema), name: optional(modelNameSchema) })
  .refine(({ model, name }) => model !== undefined || name !== undefined, {
    path: ['model'],
    error: 'is required: the name of a model',
  });
