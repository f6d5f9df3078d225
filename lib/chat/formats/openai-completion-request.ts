import { formatDetailsOf, fromResponseFormat, fromSampling, passthroughOf } from '#lib/chat/formats/openai-request';
import { AppError } from '#lib/errors';
import type { ChatRequest } from '#lib/wire/chat';
import type { Completion } from '#lib/wire/completion';
import type { ErrorDetail } from '#lib/wire/error';
import { DEFAULT_MAX_TOKENS, MAX_PROMPTS, type OpenAiCompletionRequest } from '#lib/wire/openai-completion-request';

/**
 * OpenAI's older completions: their requests as native ones, one for each prompt.
 * https://platform.openai.com/docs/api-reference/completions
 */

/**
 * Native requests without the fields of `refusedCompletionFields`. Throws `invalid_request` if the
 * prompts have too many choices.
 */
export function fromOpenAiCompletion(input: OpenAiCompletionRequest): readonly [ChatRequest, ...ChatRequest[]] {
  const [first = '', ...others] = promptsOf(input.prompt ?? '');
  const choices = (input.n ?? 1) * (1 + others.length);
  if (choices > MAX_PROMPTS) {
    const message = `asks with the prompts for ${choices} choices, of which ${MAX_PROMPTS} are possible`;
    throw new AppError('invalid_request', `n ${message}.`, { details: [{ field: 'n', message }] });
  }
  return [fromPrompt(input, first), ...others.map((prompt) => fromPrompt(input, prompt))];
}

/** The fields of a request that no model server supports. */
export function refusedCompletionFields(input: OpenAiCompletionRequest): readonly ErrorDetail[] {
  const details: ErrorDetail[] = [];
  const { n = 1, best_of: bestOf = n } = input;
  if (bestOf !== n) details.push({ field: 'best_of', message: 'must be the same as n: all choices are returned' });
  if (isEchoRefused(input)) details.push({ field: 'echo', message: 'cannot be combined with suffix' });
  return details;
}

function isEchoRefused({ echo, suffix }: OpenAiCompletionRequest): boolean {
  return echo === true && suffix !== undefined && suffix !== '';
}

function fromPrompt(input: OpenAiCompletionRequest, prompt: Completion['prompt']): ChatRequest {
  const { response_format: format, logprobs } = input;
  // An empty suffix means none, as editors send it.
  const suffix = input.suffix === '' ? undefined : input.suffix;
  return {
    messages: [],
    completion: {
      prompt,
      raw: suffix === undefined,
      ...(suffix === undefined ? {} : { suffix }),
      ...(input.echo === true && !isEchoRefused(input) ? { echo: true } : {}),
    },
    model: input.model,
    stream: input.stream ?? false,
    use_cache: true,
    cache: input.cache,
    drop_params: input.drop_params,
    priority: 0,
    options: fromSampling({ ...input, max_tokens: input.max_tokens ?? DEFAULT_MAX_TOKENS }),
    // The text is returned as the model writes it.
    think: false,
    format: fromResponseFormat(format),
    format_details: format?.type === 'json_schema' ? formatDetailsOf(format.json_schema) : undefined,
    logprobs: logprobs === undefined ? undefined : true,
    top_logprobs: logprobs,
    keep_alive: input.keep_alive,
    passthrough: passthroughOf(input),
  };
}

/** A list of numbers is one prompt. */
function promptsOf(prompt: NonNullable<OpenAiCompletionRequest['prompt']>): readonly Completion['prompt'][] {
  if (typeof prompt === 'string') return [prompt];
  return isTokens(prompt) ? [prompt] : prompt;
}

function isTokens(prompt: readonly (string | number | readonly number[])[]): prompt is readonly number[] {
  return typeof prompt[0] === 'number';
}
