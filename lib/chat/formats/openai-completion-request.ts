import { formatDetailsOf, fromResponseFormat, fromSampling, passthroughOf } from '#lib/chat/formats/openai-request';
import { AppError } from '#lib/errors';
import type { ChatRequest } from '#lib/wire/chat';
import type { Completion } from '#lib/wire/completion';
import type { ErrorDetail } from '#lib/wire/error';
import { DEFAULT_MAX_TOKENS, type OpenAiCompletionRequest } from '#lib/wire/openai-completion-request';

/**
 * OpenAI's older completions: their requests as native ones, one for each prompt.
 * https://platform.openai.com/docs/api-reference/completions
 */

/** Throws `unsupported_parameter` with the fields that no provider supports. */
export function fromOpenAiCompletion(input: OpenAiCompletionRequest): readonly [ChatRequest, ...ChatRequest[]] {
  refuseUnsupported(input);
  const [first = '', ...others] = promptsOf(input.prompt ?? '');
  return [fromPrompt(input, first), ...others.map((prompt) => fromPrompt(input, prompt))];
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
      ...(input.echo === true ? { echo: true } : {}),
    },
    model: input.model,
    stream: input.stream ?? false,
    use_cache: true,
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

function refuseUnsupported({ n, best_of: bestOf, echo, suffix }: OpenAiCompletionRequest): void {
  const details: ErrorDetail[] = [];
  if (n !== undefined && n !== 1) details.push({ field: 'n', message: 'must be 1: one text is given to one prompt' });
  if (bestOf !== undefined && bestOf !== 1)
    details.push({ field: 'best_of', message: 'must be 1: one text is given to one prompt' });
  if (echo === true && suffix !== undefined && suffix !== '')
    details.push({ field: 'echo', message: 'cannot be combined with suffix' });
  if (details.length > 0) throw AppError.unsupportedParameters(details);
}
