import { z } from 'zod';
import { keepAliveSchema, optionsSchema } from '#lib/wire/chat';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { optional } from '#lib/wire/optional';

/** Requests for embeddings of OpenAI's and Ollama's APIs. See docs/contract.md#embeddings. */

/** As in OpenAI's API. */
const MAX_INPUTS = 2_048;
/** Tokens of one input. */
const MAX_TOKENS = 65_536;

const modelSchema = z.string().min(1).max(256).describe('The name of an embedding model.');
const dimensionsSchema = z.int().min(1).max(65_536);
const tokensSchema = z.array(z.int().nonnegative()).min(1).max(MAX_TOKENS);
const textsSchema = failFastArray(z.string()).min(1).max(MAX_INPUTS);

/** Fields of vLLM, llama.cpp, TEI and NIM, which are passed on as they are. */
const EXTRA_SHAPE = {
  truncate_prompt_tokens: optional(z.int()),
  add_special_tokens: optional(z.boolean()),
  input_type: optional(z.string().max(256)),
  prompt_name: optional(z.string().max(256)),
  normalize: optional(z.boolean()),
  embd_normalize: optional(z.number()),
  truncate: optional(z.union([z.string().max(64), z.boolean()])),
};

export const EXTRA_EMBEDDING_FIELDS = Object.keys(EXTRA_SHAPE);

export const openAiEmbeddingsSchema = z.object({
  input: z
    .union([z.string(), textsSchema, tokensSchema, failFastArray(tokensSchema).min(1).max(MAX_INPUTS)])
    .describe('A text, texts, or the ids of tokens of one or several texts. Ollama takes texts only.'),
  model: modelSchema,
  dimensions: optional(dimensionsSchema),
  encoding_format: optional(z.enum(['float', 'base64'])).describe('Default: float.'),
  user: optional(z.string().max(512)).describe('No effect on Ollama.'),
  ...EXTRA_SHAPE,
});
export type OpenAiEmbeddings = z.infer<typeof openAiEmbeddingsSchema>;

const ollamaCommon = {
  model: modelSchema,
  options: optional(optionsSchema),
  keep_alive: optional(keepAliveSchema).describe('Can only prolong how long a model stays loaded.'),
};

export const ollamaEmbedSchema = z.object({
  ...ollamaCommon,
  input: optional(z.union([z.string(), failFastArray(z.string()).max(MAX_INPUTS)])).describe(
    'A text or texts. Without one the model is loaded.',
  ),
  truncate: optional(z.boolean()).describe('Default: true. False: an input that is too long is an error.'),
  dimensions: optional(dimensionsSchema),
});
export type OllamaEmbed = z.infer<typeof ollamaEmbedSchema>;

export const ollamaEmbeddingsSchema = z.object({
  ...ollamaCommon,
  prompt: optional(z.string()).describe('Without one the model is loaded.'),
});
export type OllamaEmbeddings = z.infer<typeof ollamaEmbeddingsSchema>;
