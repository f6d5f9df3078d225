import { openAiError, sse } from '#lib/chat/formats/openai';
import { fromSampling, passthroughOf } from '#lib/chat/formats/openai-request';
import { commentedEncoder, QueueComments } from '#lib/chat/formats/queue-comment';
import type { StreamEncoder } from '#lib/chat/formats/stream-encoder';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationEvent } from '#lib/chat/generation/generation-log';
import type { RequestView } from '#lib/chat/generation/request-view';
import type { ChatRequest } from '#lib/wire/chat';
import type { InfillRequest } from '#lib/wire/infill';

/**
 * llama.cpp's route to fill in the middle.
 * https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 */

const NS_PER_MS = 1e6;
const MS_PER_SECOND = 1_000;

/** The begun line continues the prefix: that is where its text stands. */
export function fromInfill(input: InfillRequest): ChatRequest {
  const { input_prefix: prefix, input_suffix: suffix, prompt, input_extra: files, n_predict: limit } = input;
  return {
    messages: [],
    completion: {
      prompt: prefix + prompt,
      // Without a suffix there is no gap: the text goes on.
      ...(suffix === '' ? { raw: true } : { raw: false, suffix }),
      ...(files?.length ? { files } : {}),
    },
    model: input.model,
    stream: input.stream,
    use_cache: true,
    cache: input.cache,
    drop_params: input.drop_params,
    priority: 0,
    options: fromSampling({ ...input, max_tokens: limit }),
    think: false,
    passthrough: passthroughOf(input),
  };
}

type Ending = Pick<CompletedResponse, 'done_reason' | 'usage' | 'durations'>;

/** The body of a completed request; with `fields` only these. */
export function infillResponse(request: RequestView, response: CompletedResponse, fields?: readonly string[]) {
  return chosenFields({ index: 0, content: response.content, ...endingOf(request, response) }, fields);
}

/** The response to a request that only warms the cache of llama.cpp. */
export function emptyInfillResponse(model: string | undefined, fields?: readonly string[]) {
  return chosenFields({ index: 0, content: '', stop: true, model, stop_type: 'limit' }, fields);
}

export function infillStreamEncoder(request: RequestView, fields?: readonly string[]): StreamEncoder {
  const comments = new QueueComments();
  const encode = (event: GenerationEvent): string => {
    switch (event.type) {
      case 'content':
        return sse(chosenFields({ index: 0, content: event.text, stop: false }, fields));
      case 'done':
        return sse(chosenFields({ index: 0, content: '', ...endingOf(request, event) }, fields));
      case 'error':
        return sse(openAiError({ error: event.error.message, code: event.error.code }, 500));
      case 'status':
        return comments.next(event);
      default:
        return '';
    }
  };
  return commentedEncoder(comments, encode);
}

/** Times that no server measured are those seen here. */
function endingOf(request: RequestView, { done_reason, usage, durations }: Ending) {
  const { queued_ms, first_token_ms, total_ms } = request.timings();
  const first = first_token_ms ?? total_ms;
  const promptMs = durations?.prompt_eval_ns === undefined ? first - queued_ms : durations.prompt_eval_ns / NS_PER_MS;
  const predictedMs = durations?.eval_ns === undefined ? total_ms - first : durations.eval_ns / NS_PER_MS;
  const { prompt_tokens: read, completion_tokens: written } = usage;
  return {
    stop: true,
    model: request.model,
    stop_type: done_reason === 'length' ? 'limit' : 'eos',
    tokens_evaluated: read,
    tokens_predicted: written,
    truncated: usage.prompt_truncated === true,
    timings: { ...rates('prompt', read, promptMs), ...rates('predicted', written, predictedMs) },
  };
}

function rates(name: string, tokens: number, ms: number) {
  return {
    [`${name}_n`]: tokens,
    [`${name}_ms`]: ms,
    [`${name}_per_token_ms`]: tokens === 0 ? 0 : ms / tokens,
    [`${name}_per_second`]: ms === 0 ? 0 : (tokens / ms) * MS_PER_SECOND,
  };
}

/** As llama.cpp does it: `timings/prompt_n` is the name of the field, too. */
function chosenFields(body: object, fields: readonly string[] | undefined): object {
  if (fields === undefined || fields.length === 0) return body;
  const entries = fields.flatMap((path) => {
    const value = path.split('/').reduce<unknown>(member, body);
    return value === undefined ? [] : [[path, value] as const];
  });
  return Object.fromEntries(entries);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
