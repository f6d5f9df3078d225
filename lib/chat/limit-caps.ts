import type { Allowance } from '#lib/http/request-limits';
import type { ChatRequest } from '#lib/wire/chat';

type Caps = Pick<Allowance, 'contextTokens' | 'outputTokens'>;

/** Whether a limit may change what is sent to the model. */
export function hasCaps(allowance: Caps | undefined): boolean {
  return allowance !== undefined && (allowance.contextTokens ?? allowance.outputTokens) !== undefined;
}

const NONE_LOWERED: readonly string[] = [];

/**
 * The request with its tokens of output and context lowered to the limits of its caller, and the
 * names of the fields that were lowered. A request without a limit of its output gets that of its
 * caller. Its context stays the model server's own: another one would load the model again.
 */
export function withinCaps(
  request: ChatRequest,
  caps: Caps | undefined,
): { readonly request: ChatRequest; readonly lowered: readonly string[] } {
  if (caps === undefined || !hasCaps(caps)) return { request, lowered: NONE_LOWERED };
  const { contextTokens = Number.POSITIVE_INFINITY, outputTokens = Number.POSITIVE_INFINITY } = caps;
  const lowered: string[] = [];
  const lower = <T>(field: string, value: T, cap: number): T | number => {
    if (typeof value !== 'number' || !isAbove(value, cap)) return value;
    lowered.push(field);
    return cap;
  };
  const { max_tokens: maxTokens, passthrough } = request;
  const options = { ...request.options };
  if (options.num_ctx !== undefined) options.num_ctx = lower('options.num_ctx', options.num_ctx, contextTokens);
  if (options.num_predict !== undefined)
    options.num_predict = lower('options.num_predict', options.num_predict, outputTokens);
  const completionTokens = passthrough?.max_completion_tokens;
  const isBounded = [maxTokens, completionTokens, options.num_predict].some((given) => given !== undefined);
  if (!isBounded && Number.isFinite(outputTokens)) options.num_predict = outputTokens;
  return {
    request: {
      ...request,
      options,
      ...(maxTokens === undefined ? {} : { max_tokens: lower('max_tokens', maxTokens, outputTokens) }),
      ...(completionTokens === undefined
        ? {}
        : {
            passthrough: {
              ...passthrough,
              max_completion_tokens: lower('max_completion_tokens', completionTokens, outputTokens),
            },
          }),
    },
    lowered,
  };
}

/** A negative number is no limit, as in Ollama and llama.cpp. */
function isAbove(value: number, cap: number): boolean {
  return value > cap || (value < 0 && Number.isFinite(cap));
}
