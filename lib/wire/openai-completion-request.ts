import { z } from 'zod';
import {
  maxTokensSchema,
  REQUEST_POLICY_DESCRIPTIONS,
  REQUEST_POLICY_SHAPE,
  SHARED_CHAT_SHAPE,
  topLogprobsSchema,
} from '#lib/wire/chat';
import { COMPLETION_FIELDS, type CompletionPassthroughField } from '#lib/wire/completion-field-support';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { SAMPLING_SHAPE } from '#lib/wire/openai-request';
import { optional } from '#lib/wire/optional';
import { PASSTHROUGH_SHAPE } from '#lib/wire/passthrough';
import { describeSupportOf } from '#lib/wire/request-field-support';

/**
 * Requests of OpenAI's older completions. `completion-field-support.ts` lists what becomes of each
 * field; unknown names are reported in the response header `X-Ignored-Fields`.
 * https://platform.openai.com/docs/api-reference/completions
 */

/** Prompts of one request, and choices of all of them: each is a request in the queue. */
export const MAX_PROMPTS = 32;

/** The limit of a request without one, as in OpenAI's API. */
export const DEFAULT_MAX_TOKENS = 16;

const tokensSchema = failFastArray(z.int().nonnegative()).min(1);

const promptSchema = z.union(
  [
    z.string(),
    failFastArray(z.string()).min(1, 'needs at least one prompt').max(MAX_PROMPTS),
    tokensSchema,
    failFastArray(tokensSchema).min(1).max(MAX_PROMPTS),
  ],
  { error: `must be a text, a list of 1 to ${MAX_PROMPTS} texts, or tokens in the same way` },
);

type PassthroughShape = Pick<typeof PASSTHROUGH_SHAPE, CompletionPassthroughField>;

const PASSED_SHAPE = Object.fromEntries(
  Object.entries(PASSTHROUGH_SHAPE).filter(([name]) =>
    Object.hasOwn(COMPLETION_FIELDS.CompletionCreateParamsBase, name),
  ),
) as PassthroughShape;

const SHAPE = {
  ...SAMPLING_SHAPE,
  prompt: promptSchema.nullable(),
  suffix: optional(z.string()),
  max_tokens: optional(maxTokensSchema),
  echo: optional(z.boolean()),
  logprobs: optional(topLogprobsSchema),
  keep_alive: SHARED_CHAT_SHAPE.keep_alive,
  ...PASSED_SHAPE,
  ...REQUEST_POLICY_SHAPE,
};

const DESCRIPTIONS = describeSupportOf(COMPLETION_FIELDS.CompletionCreateParamsBase, {
  prompt: `A text, or up to ${MAX_PROMPTS} of them: one choice each, in their order.`,
  suffix: 'The text after the gap that the model fills in. Models for code only.',
  max_tokens: `Default: ${DEFAULT_MAX_TOKENS}. −1 is no bound.`,
  echo: 'Whether the text begins with the prompt.',
  logprobs: 'The number of alternatives per token; 0 is the chosen token alone.',
  ...REQUEST_POLICY_DESCRIPTIONS,
});

export const openAiCompletionRequestSchema = z.object(describeFields(SHAPE, DESCRIPTIONS));
export type OpenAiCompletionRequest = z.infer<typeof openAiCompletionRequestSchema>;
