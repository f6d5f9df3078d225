import { z } from 'zod';

/** Responses of OpenAI's API. See docs/contract.md#openai. */

const toolCallSchema = z.object({
  id: z.string(),
  type: z.literal('function'),
  function: z.object({ name: z.string(), arguments: z.string() }),
});

const tokenSchema = z.object({ token: z.string(), logprob: z.number(), bytes: z.array(z.number()).nullable() });

const logprobsSchema = z.object({
  content: z.array(tokenSchema.extend({ top_logprobs: z.array(tokenSchema) })),
  refusal: z.null(),
});

export const usageSchema = z.object({
  prompt_tokens: z.number(),
  completion_tokens: z.number(),
  total_tokens: z.number(),
  prompt_truncated: z.boolean().optional().describe('true where the model did not read the whole conversation.'),
});

export const openAiCompletionSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.number(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.number(),
      message: z.object({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.null(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(toolCallSchema).optional(),
      }),
      logprobs: logprobsSchema.nullable(),
      finish_reason: z.string(),
    }),
  ),
  usage: usageSchema,
});

/** One `data:` line of a stream. The line `data: [DONE]` ends it. */
export const openAiChunkSchema = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.number(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.number(),
      delta: z.object({
        role: z.literal('assistant').optional(),
        content: z.string().optional(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(toolCallSchema.extend({ index: z.number() })).optional(),
      }),
      logprobs: logprobsSchema.nullable(),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: usageSchema.nullish(),
});

export const openAiModelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.number(),
  owned_by: z.string(),
});

export const openAiModelsSchema = z.object({ object: z.literal('list'), data: z.array(openAiModelSchema) });

export const openAiErrorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string(),
  }),
});
