import { z } from 'zod';
import { MAX_MESSAGES, toolSchema } from '#lib/wire/chat';

/** What of OpenAI's chat completions is understood here (SPEC §2.5); what is not named is ignored, as unknown fields are everywhere. */

const textPartSchema = z.object({ type: z.literal('text'), text: z.string() });
const imagePartSchema = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const partsSchema = z.array(z.discriminatedUnion('type', [textPartSchema, imagePartSchema]));

const toolCallSchema = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string().min(1).max(256), arguments: z.string() }),
});

export const openAiMessageSchema = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.union([z.string(), partsSchema]).nullish(),
  tool_calls: z.array(toolCallSchema).max(128).nullish(),
  tool_call_id: z.string().max(256).nullish(),
});
export type OpenAiMessage = z.infer<typeof openAiMessageSchema>;

export const openAiRequestSchema = z.object({
  model: z.string().min(1).max(256).nullish(),
  messages: z.array(openAiMessageSchema).min(1, 'needs at least one message').max(MAX_MESSAGES),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  temperature: z.number().nullish(),
  top_p: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  presence_penalty: z.number().nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  n: z.int().nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({ type: z.literal('json_object') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({ schema: z.record(z.string(), z.unknown()).optional() }),
      }),
    ])
    .nullish(),
  tools: z.array(toolSchema).max(128).nullish(),
});
export type OpenAiRequest = z.infer<typeof openAiRequestSchema>;
