import { z } from 'zod';
import { jsonObject, jsonValue } from '#lib/wire/json-object';
import { optional } from '#lib/wire/optional';

/**
 * Fields of a chat request that an OpenAI-compatible server gets exactly as they were sent. The
 * first group is OpenAI's own, the second is what vLLM, SGLang, llama.cpp and OpenRouter add. What
 * each of them is to the other model servers stands in `request-fields.ts`.
 */
export const PASSTHROUGH_SHAPE = {
  logit_bias: optional(z.record(z.string(), z.number().min(-100).max(100))),
  max_completion_tokens: optional(z.int().positive()),
  metadata: optional(jsonObject()),
  modalities: optional(z.array(z.literal('text', { error: 'must be ["text"]: answers are text here' }))),
  prediction: optional(jsonObject()),
  prompt_cache_key: optional(z.string()),
  prompt_cache_options: optional(jsonObject()),
  prompt_cache_retention: optional(z.string()),
  reasoning_effort: optional(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  safety_identifier: optional(z.string()),
  service_tier: optional(z.string()),
  store: optional(z.boolean()),
  user: optional(z.string()),
  verbosity: optional(z.string()),
  web_search_options: optional(jsonObject()),

  bad_words: optional(z.array(z.string())),
  cache_prompt: optional(z.boolean()),
  chat_template_kwargs: optional(jsonObject()),
  dry_allowed_length: optional(z.number()),
  dry_base: optional(z.number()),
  dry_multiplier: optional(z.number()),
  grammar: optional(z.string()),
  guided_choice: optional(jsonValue()),
  guided_grammar: optional(jsonValue()),
  guided_json: optional(jsonValue()),
  guided_regex: optional(jsonValue()),
  ignore_eos: optional(z.boolean()),
  include_reasoning: optional(z.boolean()),
  include_stop_str_in_output: optional(z.boolean()),
  length_penalty: optional(z.number()),
  min_tokens: optional(z.int()),
  provider: optional(jsonObject()),
  reasoning: optional(jsonObject()),
  separate_reasoning: optional(z.boolean()),
  skip_special_tokens: optional(z.boolean()),
  stop_token_ids: optional(z.array(z.int())),
  structured_outputs: optional(jsonObject()),
  top_a: optional(z.number()),
  typical_p: optional(z.number()),
  xtc_probability: optional(z.number()),
  xtc_threshold: optional(z.number()),
} as const;

export type PassthroughField = keyof typeof PASSTHROUGH_SHAPE;

/** A name that is not known is refused: what a server does with it could not be known. */
export const passthroughSchema = z.strictObject(PASSTHROUGH_SHAPE);
export type Passthrough = z.infer<typeof passthroughSchema>;

export const PASSTHROUGH_FIELDS = Object.keys(PASSTHROUGH_SHAPE) as PassthroughField[];
