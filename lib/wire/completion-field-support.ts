import type { PassthroughField } from '#lib/wire/passthrough';
import {
  type FieldSupportByServer,
  fieldSupport,
  KEEP_ALIVE,
  LOGPROBS,
  OPENAI_FIELDS,
  OWN_FIELDS,
  PASSTHROUGH_SUPPORT,
} from '#lib/wire/request-field-support';

/** The part of the support matrix for completions of a text; see `request-field-support.ts`. */

const { passed, here, refused, noEffect } = fieldSupport;

/** The fields of `passthrough.ts` that have a meaning without a conversation. */
const PASSED = [
  'logit_bias',
  'user',
  'bad_words',
  'cache_prompt',
  'dry_allowed_length',
  'dry_base',
  'dry_multiplier',
  'grammar',
  'guided_choice',
  'guided_grammar',
  'guided_json',
  'guided_regex',
  'ignore_eos',
  'include_stop_str_in_output',
  'length_penalty',
  'min_tokens',
  'n_indent',
  'provider',
  'samplers',
  'skip_special_tokens',
  'stop_token_ids',
  'structured_outputs',
  't_max_predict_ms',
  't_max_prompt_ms',
  'top_a',
  'typical_p',
  'xtc_probability',
  'xtc_threshold',
] as const satisfies readonly PassthroughField[];

export type CompletionPassthroughField = (typeof PASSED)[number];

const PASSED_SUPPORT = Object.fromEntries(PASSED.map((name) => [name, PASSTHROUGH_SUPPORT[name]])) as Record<
  CompletionPassthroughField,
  FieldSupportByServer
>;

/** Fields of the `openai` SDK's completion requests, by its type names. */
export const COMPLETION_FIELDS = {
  CompletionCreateParamsBase: {
    ...PASSED_SUPPORT,
    model: passed(),
    prompt: passed('Tokens go to OpenAI-compatible servers only. Ollama takes no empty prompt.'),
    suffix: passed('Refused by a model that cannot fill in the middle.'),
    best_of: refused('Only the same as `n`.'),
    echo: here('With `logprobs` only OpenAI-compatible servers have it.'),
    frequency_penalty: passed(),
    logprobs: LOGPROBS,
    max_tokens: passed(),
    n: here('At most 8, and 32 with all prompts. Each choice is a generation, as in chat completions.'),
    presence_penalty: passed(),
    seed: passed(),
    stop: passed(),
    stream: here(),
    stream_options: here('`include_usage`.'),
    temperature: passed(),
    top_p: passed(),
    // Added by vLLM, SGLang and llama.cpp.
    top_k: passed(),
    min_p: passed(),
    repeat_penalty: OPENAI_FIELDS.ChatCompletionCreateParamsBase.repeat_penalty,
    repetition_penalty: OPENAI_FIELDS.ChatCompletionCreateParamsBase.repetition_penalty,
    response_format: passed(),
    keep_alive: KEEP_ALIVE,
    ...OWN_FIELDS,
  },
  ChatCompletionStreamOptions: { include_obfuscation: noEffect(), include_usage: here() },
} as const satisfies Record<string, Readonly<Record<string, FieldSupportByServer>>>;
