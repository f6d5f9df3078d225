import { z } from 'zod';
import { maxTokensSchema, REQUEST_POLICY_DESCRIPTIONS, REQUEST_POLICY_SHAPE } from '#lib/wire/chat';
import { describeFields } from '#lib/wire/describe-fields';
import { failFastArray } from '#lib/wire/fail-fast-array';
import { SAMPLING_SHAPE } from '#lib/wire/openai-request';
import { optional, withDefault } from '#lib/wire/optional';
import { PASSTHROUGH_SHAPE } from '#lib/wire/passthrough';

/**
 * llama.cpp's request to fill in the middle, which its editor plugins send, and the response.
 * https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */

const MAX_FILES = 256;
const MAX_RESPONSE_FIELDS = 64;

const { model, temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, repeat_penalty, seed, stop } =
  SAMPLING_SHAPE;
const { cache_prompt, grammar, logit_bias, n_indent, samplers, t_max_predict_ms, t_max_prompt_ms } = PASSTHROUGH_SHAPE;

export const infillRequestSchema = z.object({
  input_prefix: z
    .string({ error: 'is required: the text in front of the gap, which may be empty' })
    .describe('The text in front of the gap, up to the line with the cursor.'),
  input_suffix: withDefault(z.string(), '').describe('The text after the gap.'),
  prompt: withDefault(z.string(), '').describe('The begun line in front of the gap.'),
  input_extra: optional(
    failFastArray(z.object({ text: z.string(), filename: optional(z.string()) })).max(MAX_FILES),
  ).describe('Parts of other files. llama.cpp only.'),
  n_predict: optional(z.union([maxTokensSchema, z.literal(0)])).describe(
    'Limit of tokens, −1 is none. 0 only warms the cache of llama.cpp: it ends at once here.',
  ),
  stream: withDefault(z.boolean(), false),
  response_fields: optional(z.array(z.string().max(64)).max(MAX_RESPONSE_FIELDS)).describe(
    'The fields that the response has, such as `timings/prompt_n`, which then have these names.',
  ),
  ...{ model, temperature, top_p, top_k, min_p, frequency_penalty, presence_penalty, repeat_penalty, seed, stop },
  ...describeFields(REQUEST_POLICY_SHAPE, REQUEST_POLICY_DESCRIPTIONS),
  ...{ cache_prompt, grammar, logit_bias, n_indent, samplers, t_max_predict_ms, t_max_prompt_ms },
});
export type InfillRequest = z.infer<typeof infillRequestSchema>;

/** All fields are optional: `response_fields` may ask for others. */
export const infillResponseSchema = z.looseObject({
  content: z.string().optional(),
  stop: z.boolean().optional().describe('true in a whole response, and in the last event of a stream.'),
  model: z.string().optional(),
  stop_type: z.string().optional().describe('eos or limit.'),
  tokens_evaluated: z.number().optional(),
  tokens_predicted: z.number().optional(),
  truncated: z.boolean().optional(),
  timings: z
    .object({
      prompt_n: z.number(),
      prompt_ms: z.number(),
      prompt_per_token_ms: z.number(),
      prompt_per_second: z.number(),
      predicted_n: z.number(),
      predicted_ms: z.number(),
      predicted_per_token_ms: z.number(),
      predicted_per_second: z.number(),
    })
    .optional(),
});
