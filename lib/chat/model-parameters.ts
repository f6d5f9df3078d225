import type { ChatRequest, ModelOptions } from '#lib/wire/chat';

/** Parameters of a model that administrators set: defaults under what a request says. */

/** The request with the parameters that it does not set itself, as if it had sent them. */
export function withParameters(request: ChatRequest, parameters: ModelOptions | undefined): ChatRequest {
  if (parameters === undefined) return request;
  const { options, max_tokens: maxTokens, passthrough } = request;
  const { num_predict: tokens, ...others } = parameters;
  // A request has one bound of its response, whatever field names it.
  const isBounded = (maxTokens ?? passthrough?.max_completion_tokens) !== undefined;
  const bound = tokens === undefined || isBounded ? {} : { num_predict: tokens };
  return { ...request, options: { ...others, ...bound, ...options } };
}

/** Names of fields without those that only the parameters have: the caller did not send them. */
export function withoutParameters(
  fields: readonly string[],
  parameters: ModelOptions | undefined,
  { options }: Pick<ChatRequest, 'options'>,
): readonly string[] {
  if (parameters === undefined || fields.length === 0) return fields;
  return fields.filter((field) => {
    const name = field.startsWith(OPTION) ? field.slice(OPTION.length) : undefined;
    return name === undefined || !Object.hasOwn(parameters, name) || Object.hasOwn(options, name);
  });
}

const OPTION = 'options.';
