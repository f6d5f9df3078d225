import { withContinueInstruction } from '#lib/models/continuation';
import { openAiMessages } from '#lib/models/openai/messages';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import type { Format, FormatDetails, ModelOptions, Think } from '#lib/wire/chat';

/** Maps requests to OpenAI's chat completions, and to its older completions of a text. */

/** The body of POST /chat/completions. `checkFieldSupport` rejects or reports all other fields. */
export function openAiBody(request: ModelRequest) {
  const { options, passthrough } = request;
  return {
    model: request.model,
    ...mapOptions(options),
    ...mapThink(request.think),
    ...mapFormat(request.format, request.formatDetails),
    tools: request.tools,
    tool_choice: request.toolChoice,
    parallel_tool_calls: request.parallelToolCalls,
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    ...passthrough,
    // Servers reject one of the two names, or both at once. The caller's choice wins.
    ...(passthrough?.max_completion_tokens === undefined ? {} : { max_tokens: undefined }),
    messages: openAiMessages(withContinueInstruction(request.messages)),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Options with the same name in Ollama's and OpenAI's API. */
const SAME_NAME = ['temperature', 'top_p', 'top_k', 'min_p', 'seed', 'stop', 'presence_penalty', 'frequency_penalty'];

function mapOptions(options: ModelOptions): ModelOptions {
  const mapped: ModelOptions = {};
  for (const name of SAME_NAME) if (options[name] !== undefined) mapped[name] = options[name];
  // vLLM and SGLang take the first name, llama.cpp and LM Studio the second.
  if (options.repeat_penalty !== undefined)
    Object.assign(mapped, { repetition_penalty: options.repeat_penalty, repeat_penalty: options.repeat_penalty });
  // Ollama's −1 and −2 mean unlimited.
  if (typeof options.num_predict === 'number' && options.num_predict > 0) mapped.max_tokens = options.num_predict;
  return mapped;
}

/** Servers share a name for an effort, and none for a switch. */
function mapThink(think: Think | undefined) {
  return typeof think === 'string' ? { reasoning_effort: think } : {};
}

function mapFormat(format: Format | undefined, details: FormatDetails | undefined) {
  if (format === undefined) return {};
  if (format === 'json' && details === undefined) return { response_format: { type: 'json_object' } };
  const schema = format === 'json' ? {} : { schema: format };
  return {
    response_format: { type: 'json_schema', json_schema: { ...details, name: details?.name ?? 'answer', ...schema } },
  };
}

/** A text has no more tokens than half of its bytes, except for rare scripts. */
const LEAST_BYTES_PER_TOKEN = 2;

/**
 * The body of POST /completions. `contextTokens` is the model's, if it is known: servers end after
 * 16 tokens where a request has no limit.
 * https://platform.openai.com/docs/api-reference/completions
 */
export function openAiCompletionBody(request: ModelRequest, completion: ModelCompletion, contextTokens?: number) {
  const { options, passthrough, logprobs, topLogprobs } = request;
  const { prompt, suffix } = completion;
  return {
    model: request.model,
    prompt,
    suffix,
    max_tokens: contextTokens === undefined ? undefined : freeTokens(completion, contextTokens),
    ...mapOptions(options),
    ...mapFormat(request.format, request.formatDetails),
    // A number of alternatives. llama.cpp takes 0 for none at all.
    logprobs: logprobs === true ? Math.max(1, topLogprobs ?? 0) : undefined,
    echo: isEchoedByServer(request) ? true : undefined,
    ...passthrough,
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** Only the server has the text of tokens, and the log probabilities of the prompt. */
export function isEchoedByServer({ completion, logprobs }: ModelRequest): boolean {
  return completion?.echo === true && (typeof completion.prompt !== 'string' || logprobs === true);
}

/** The tokens that are surely free next to the prompt. */
function freeTokens({ prompt, suffix = '' }: ModelCompletion, contextTokens: number): number {
  const used =
    typeof prompt === 'string'
      ? Math.ceil((Buffer.byteLength(prompt) + Buffer.byteLength(suffix)) / LEAST_BYTES_PER_TOKEN)
      : prompt.length;
  return Math.max(1, contextTokens - used);
}
