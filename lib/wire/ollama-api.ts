import { z } from 'zod';
import { formatSchema, MAX_MESSAGES, messageSchema, optionsSchema, thinkSchema, toolSchema } from '#lib/wire/chat';

/** What of Ollama's API is understood here (SPEC §2.5); what is not named is ignored, as unknown fields are everywhere. */

const common = {
  model: z.string().min(1).max(256),
  stream: z.boolean().nullish(),
  format: z.union([formatSchema, z.literal('')]).nullish(),
  options: optionsSchema.nullish(),
  think: thinkSchema.nullish(),
  keep_alive: z.union([z.string(), z.number()]).nullish(),
};

export const ollamaChatSchema = z.object({
  ...common,
  messages: z
    .array(
      messageSchema.extend({
        content: z.string().nullish(),
        images: z.array(z.base64()).max(16).nullish(),
        tool_calls: messageSchema.shape.tool_calls.nullable(),
      }),
    )
    .max(MAX_MESSAGES)
    .nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
});
export type OllamaChat = z.infer<typeof ollamaChatSchema>;

export const ollamaGenerateSchema = z.object({
  ...common,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  images: z.array(z.base64()).max(16).nullish(),
  suffix: z.string().nullish(),
  template: z.string().nullish(),
  raw: z.boolean().nullish(),
  context: z.array(z.number()).nullish(),
});
export type OllamaGenerate = z.infer<typeof ollamaGenerateSchema>;

export const ollamaShowSchema = z.object({ model: z.string().min(1).max(256) });
