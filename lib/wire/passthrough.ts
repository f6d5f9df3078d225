import { z } from 'zod';
import { boundedRecord, jsonObjectSchema, jsonValueSchema, smallObjectSchema } from '#lib/wire/json-values';
import { optional } from '#lib/wire/optional';

/** Larger vocabularies exist, but callers who steer more tokens use a grammar. */
const MAX_BIASED_TOKENS = 10_000;
const MAX_SAMPLERS = 64;
/** Entries in lists of banned words and stop tokens. */
const MAX_LISTED = 10_000;

/**
 * Fields that an OpenAI-compatible server gets exactly as they were sent. The first group is
 * OpenAI's, the second is of vLLM, SGLang, llama.cpp and OpenRouter. See
 * `request-field-support.ts` for the other model servers.
 */
export const PASSTHROUGH_SHAPE = {
  logit_bias: optional(boundedRecord(z.number().min(-100).max(100), MAX_BIASED_TOKENS)),
  max_completion_tokens: optional(z.int().positive()),
  metadata: optional(smallObjectSchema),
  modalities: optional(z.array(z.literal('text', { error: 'must be ["text"]: answers are text here' }))),
  prediction: optional(smallObjectSchema),
  prompt_cache_key: optional(z.string()),
  prompt_cache_options: optional(smallObjectSchema),
  prompt_cache_retention: optional(z.string()),
  reasoning_effort: optional(z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
  safety_identifier: optional(z.string()),
  service_tier: optional(z.string()),
  store: optional(z.boolean()),
  user: optional(z.string()),
  verbosity: optional(z.string()),
  web_search_options: optional(smallObjectSchema),

  bad_words: optional(z.array(z.string()).max(MAX_LISTED)),
  cache_prompt: optional(z.boolean()),
  chat_template_kwargs: optional(smallObjectSchema),
  dry_allowed_length: optional(z.number()),
  dry_base: optional(z.number()),
  dry_multiplier: optional(z.number()),
  grammar: optional(z.string()),
  guided_choice: optional(jsonValueSchema),
  guided_grammar: optional(jsonValueSchema),
  guided_json: optional(jsonValueSchema),
  guided_regex: optional(jsonValueSchema),
  ignore_eos: optional(z.boolean()),
  include_reasoning: optional(z.boolean()),
  include_stop_str_in_output: optional(z.boolean()),
  length_penalty: optional(z.number()),
  min_tokens: optional(z.int()),
  n_indent: optional(z.int().nonnegative()),
  provider: optional(smallObjectSchema),
  reasoning: optional(smallObjectSchema),
  samplers: optional(z.array(z.string().max(64)).max(MAX_SAMPLERS)),
  separate_reasoning: optional(z.boolean()),
  skip_special_tokens: optional(z.boolean()),
  stop_token_ids: optional(z.array(z.int()).max(MAX_LISTED)),
  structured_outputs: optional(jsonObjectSchema),
  t_max_predict_ms: optional(z.number()),
  t_max_prompt_ms: optional(z.number()),
  top_a: optional(z.number()),
  typical_p: optional(z.number()),
  xtc_probability: optional(z.number()),
  xtc_threshold: optional(z.number()),
} as const;

export type PassthroughField = keyof typeof PASSTHROUGH_SHAPE;

/** Rejects unknown names, because their effect on a model server is unknown. */
export const passthroughSchema = z.strictObject(PASSTHROUGH_SHAPE);
export type Passthrough = z.infer<typeof passthroughSchema>;

export const PASSTHROUGH_FIELDS = Object.keys(PASSTHROUGH_SHAPE) as PassthroughField[];
