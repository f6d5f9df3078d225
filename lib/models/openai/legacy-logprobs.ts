import { z } from 'zod';
import type { TokenLogprob } from '#lib/wire/chat';

/**
 * Log probabilities as OpenAI's older completions write them: parallel lists, and alternatives as
 * objects. The first token of an echoed prompt has none. llama.cpp sends `content` as in a chat.
 * https://platform.openai.com/docs/api-reference/completions/object
 */
export const LEGACY_LOGPROBS_SHAPE = {
  tokens: z.array(z.string()).nullish().catch(null),
  token_logprobs: z.array(z.number().nullable()).nullish().catch(null),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()).nullish().catch(null),
} as const;

const legacySchema = z.object(LEGACY_LOGPROBS_SHAPE);

/** Empty if the lists do not fit together. */
export function fromLegacyLogprobs(logprobs: z.infer<typeof legacySchema>): TokenLogprob[] {
  const { tokens, token_logprobs: values, top_logprobs: alternatives } = logprobs;
  if (!tokens || values?.length !== tokens.length) return [];
  return tokens.map((token, at) => ({
    token,
    logprob: values[at] ?? null,
    top_logprobs: Object.entries(alternatives?.[at] ?? {}).map(([other, logprob]) => ({ token: other, logprob })),
  }));
}
