import { z } from 'zod';
import { lenientContent, lenientTokenCount, lenientWord } from '#lib/models/lenient-schemas';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import { type TokenLogprob, type TokenUsage, tokenLogprobSchema } from '#lib/wire/chat';

/**
 * llama.cpp fills in the middle on a route of its API, and refuses a suffix in its completions.
 * https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */

/** How llama.cpp calls itself in its list of models. */
export const LLAMA_CPP_OWNER = 'llamacpp';

/** Options that have the same name in Ollama's API. */
const SAME_NAME = [
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'stop',
  'presence_penalty',
  'frequency_penalty',
  'repeat_penalty',
] as const;

/** The body of POST /infill. */
export function infillBody(request: ModelRequest, { prompt, suffix = '', files }: ModelCompletion) {
  const { options, format, passthrough, logprobs, topLogprobs } = request;
  return {
    model: request.model,
    input_prefix: prompt,
    input_suffix: suffix,
    input_extra: files,
    n_predict: typeof options.num_predict === 'number' ? options.num_predict : -1,
    ...Object.fromEntries(SAME_NAME.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]]))),
    json_schema: format === 'json' ? {} : format,
    n_probs: logprobs === true ? Math.max(1, topLogprobs ?? 0) : undefined,
    ...passthrough,
    stream: true,
  };
}

/** One event of the response: a text, and in the last one the reason of the end. */
export interface InfillEvent {
  readonly text: string | undefined;
  readonly logprobs: TokenLogprob[];
  readonly finish_reason: string | undefined;
  readonly usage: TokenUsage | undefined;
}

/** Undefined if `json` is no event of llama.cpp's own API. */
export function readInfillEvent(json: object): InfillEvent | undefined {
  if (!('stop' in json) || typeof json.stop !== 'boolean' || 'choices' in json) return undefined;
  const event = infillEventSchema.parse(json);
  const logprobs = event.completion_probabilities ?? [];
  if (!json.stop) return { text: event.content, logprobs, finish_reason: undefined, usage: undefined };
  return {
    text: event.content,
    logprobs,
    finish_reason: event.stop_type === 'limit' ? 'length' : 'stop',
    usage: { prompt_tokens: event.tokens_evaluated ?? 0, completion_tokens: event.tokens_predicted ?? 0 },
  };
}

const infillEventSchema = z.object({
  content: lenientContent,
  stop_type: lenientWord,
  tokens_evaluated: lenientTokenCount,
  tokens_predicted: lenientTokenCount,
  completion_probabilities: z.array(tokenLogprobSchema).nullish().catch(null),
});
