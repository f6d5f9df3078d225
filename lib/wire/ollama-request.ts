import { z } from 'zod';
import {
  formatSchema,
  imageSchema,
  keepAliveSchema,
  MAX_MESSAGES,
  messageSchema,
  optionsSchema,
  REQUEST_POLICY_DESCRIPTIONS,
  REQUEST_POLICY_SHAPE,
  thinkSchema,
  toolSchema,
  topLogprobsSchema,
} from '#lib/wire/chat';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { optional } from '#lib/wire/optional';
import { describeSupportOf, OLLAMA_FIELDS, OPTION_SUPPORT } from '#lib/wire/request-field-support';

/**
 * Requests of Ollama's API. See docs/contract.md#ollama. `request-field-support.ts` lists what
 * each model server supports. Unknown names are reported in the response header
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
  truncate: optional(z.boolean()),
  shift: optional(z.boolean()),
  ...REQUEST_POLICY_SHAPE,
};

const CHAT_SHAPE = {
  ...common,
  messages: optional(failFastArray(messageSchema.extend({ content: optional(z.string()) })).max(MAX_MESSAGES)),
  tools: optional(z.array(toolSchema).max(128)),
};

export const ollamaChatSchema = z.object(
  describeFields(
    CHAT_SHAPE,
    describeSupportOf(OLLAMA_FIELDS.ChatRequest, {
      messages: 'Without messages the model is loaded.',
      ...REQUEST_POLICY_DESCRIPTIONS,
      options: OPTION_SUPPORT,
      keep_alive: 'Less than 1 s without messages is rejected.',
      stream: 'Default: true.',
    }),
  ),
);
export type OllamaChat = z.infer<typeof ollamaChatSchema>;

/** Longer than the context of any model. */
const MAX_CONTEXT_TOKENS = 4 * 1024 * 1024;

/** Declared only to be refused by name. */
const sizeSchema = optional(z.number());

const GENERATE_SHAPE = {
  ...common,
  prompt: optional(z.string()),
  system: optional(z.string()),
  images: optional(z.array(imageSchema).max(16)),
  suffix: optional(z.string()),
  template: optional(z.string()),
  raw: optional(z.boolean()),
  context: optional(failFastArray(z.int().nonnegative()).max(MAX_CONTEXT_TOKENS)),
  width: sizeSchema,
  height: sizeSchema,
  steps: sizeSchema,
};

export const ollamaGenerateSchema = z.object(
  describeFields(
    GENERATE_SHAPE,
    describeSupportOf(OLLAMA_FIELDS.GenerateRequest, {
      prompt: 'Without a prompt the model is loaded.',
      ...REQUEST_POLICY_DESCRIPTIONS,
      options: OPTION_SUPPORT,
      keep_alive: 'Less than 1 s without a prompt is rejected.',
      suffix: 'The text after the gap that the model fills in. Models for code only.',
      system: 'No effect with `suffix`.',
      stream: 'Default: true.',
    }),
  ),
);
export type OllamaGenerate = z.infer<typeof ollamaGenerateSchema>;

const modelNameSchema = z.string().min(1).max(256);

/** Older clients call the field `name`. */
export const ollamaShowSchema = z
  .object({
    model: optional(modelNameSchema).describe('Also `name`, as in older clients.'),
    name: optional(modelNameSchema),
    verbose: optional(z.boolean()),
  })
  .refine(({ model, name }) => model !== undefined || name !== undefined, {
    path: ['model'],
    error: 'is required: the name of a model',
  });
