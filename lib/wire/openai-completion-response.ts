import { z } from 'zod';
import { usageSchema } from '#lib/wire/openai-response';

/** Responses of OpenAI's older completions. See docs/contract.md#completions. */

const logprobsSchema = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.number()).describe('Characters of the text in front of each token.'),
});

/** A whole response, and with `finish_reason: null` one `data:` line of a stream. */
export const textCompletionSchema = z.object({
  id: z.string(),
  object: z.literal('text_completion'),
  created: z.number(),
  model: z.string(),
  choices: z.array(
    z.object({
      text: z.string(),
      index: z.number(),
      logprobs: logprobsSchema.nullable(),
      finish_reason: z.string().nullable(),
    }),
  ),
  usage: usageSchema.nullish(),
});
