import { z } from 'zod';

/** Responses with embeddings of OpenAI's and Ollama's APIs. See docs/contract.md#embeddings. */

const vectorSchema = z.array(z.number());

export const openAiEmbeddingListSchema = z.object({
  object: z.literal('list'),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([vectorSchema, z.string()]).describe('Base64 of 32-bit floats where the request asks for it.'),
    }),
  ),
  model: z.string(),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});

export const ollamaEmbeddingListSchema = z.object({
  model: z.string(),
  embeddings: z.array(vectorSchema),
  total_duration: z.number().describe('Nanoseconds.'),
  load_duration: z.number(),
  prompt_eval_count: z.int(),
});

export const ollamaEmbeddingSchema = z.object({ embedding: vectorSchema });
