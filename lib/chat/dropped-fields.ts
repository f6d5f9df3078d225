import { AppError } from '#lib/errors';
import type { ModelRequest } from '#lib/models/provider';
import type { Completion } from '#lib/wire/completion';
import type { ErrorDetail } from '#lib/wire/error';
import { PASSTHROUGH_FIELDS, type PassthroughField } from '#lib/wire/passthrough';

/**
 * `drop_params`: fields that a model server refuses are left out of the request, and named in
 * `X-Dropped-Params`. See docs/contract.md#unsupported-fields.
 */

export interface SupportedRequest {
  readonly request: ModelRequest;
  /** Wire names of fields without an effect. */
  readonly ignoredFields: readonly string[];
  /** Wire names of fields that were left out. */
  readonly droppedFields: readonly string[];
}

/**
 * `request` without the fields for which `check` throws `unsupported_parameter`, as `reshape` has
 * it. Throws the error about anything else than a parameter: nothing of a conversation or a prompt
 * is left out.
 */
export function withoutUnsupported(
  request: ModelRequest,
  check: (request: ModelRequest) => readonly string[],
  reshape: (request: ModelRequest) => ModelRequest,
): SupportedRequest {
  const dropped = new Set<string>();
  let rest = request;
  // Each turn drops at least one of a bounded number of fields.
  for (;;) {
    try {
      return { request: rest, ignoredFields: check(rest), droppedFields: [...dropped] };
    } catch (error) {
      if (!AppError.is(error) || error.code !== 'unsupported_parameter') throw error;
      const names = (error.details ?? [])
        .map(({ field }) => field)
        .filter((name) => isDroppable(name) && !dropped.has(name));
      if (names.length === 0) throw error;
      rest = reshape(without(rest, names));
      for (const name of names) dropped.add(name);
    }
  }
}

/**
 * The names of `refused` fields, which no model server supports. Throws `unsupported_parameter` if
 * they are not to be dropped, or for those that hold a part of the conversation.
 */
export function droppedNames(refused: readonly ErrorDetail[], dropsFields: boolean): readonly string[] {
  if (refused.length === 0) return NO_NAMES;
  const kept = dropsFields ? refused.filter(({ field }) => isOfConversation(field)) : refused;
  if (kept.length > 0) throw AppError.unsupportedParameters(kept);
  return refused.map(({ field }) => field);
}

const NO_NAMES: readonly string[] = [];

/** Fields with what the model reads, or with a reference to it, in all APIs. */
const CONVERSATION: ReadonlySet<string> = new Set([
  'context',
  'conversation',
  'images',
  'input',
  'messages',
  'prompt',
  'thread',
]);

/** Whether a field, by its name or by a path into it, holds a part of the conversation. */
function isOfConversation(field: string): boolean {
  return CONVERSATION.has(field.split('.', 1)[0] ?? field);
}

/** The places of parameters in a model's request, by their wire names. */
const DROPPABLE: Readonly<Record<string, readonly (keyof ModelRequest)[]>> = {
  format: ['format', 'formatDetails'],
  keep_alive: ['keepAlive'],
  logprobs: ['logprobs', 'topLogprobs'],
  parallel_tool_calls: ['parallelToolCalls'],
  think: ['think'],
  tool_choice: ['toolChoice'],
  tools: ['tools', 'toolChoice', 'parallelToolCalls'],
  top_logprobs: ['topLogprobs'],
};

/** Parameters that are members of a completion. */
const OF_COMPLETION: ReadonlySet<string> = new Set(['echo', 'template'] satisfies (keyof Completion)[]);

const PASSTHROUGH: ReadonlySet<string> = new Set<string>(PASSTHROUGH_FIELDS);
const OPTION = 'options.';

function isDroppable(name: string): boolean {
  return Object.hasOwn(DROPPABLE, name) || OF_COMPLETION.has(name) || PASSTHROUGH.has(name) || name.startsWith(OPTION);
}

function without(request: ModelRequest, names: readonly string[]): ModelRequest {
  const places = new Set<string>(names.flatMap((name) => DROPPABLE[name] ?? []));
  const { model, messages, options, passthrough, completion, ...optional } = request;
  const isKept = ([name]: [string, unknown]) => !places.has(name);
  const keptOptions = entriesWithout(
    options,
    names.flatMap((name) => (name.startsWith(OPTION) ? [name.slice(OPTION.length)] : [])),
  );
  const keptPassthrough = entriesWithout(passthrough ?? {}, names as readonly PassthroughField[]);
  return {
    model,
    messages,
    options: keptOptions,
    ...Object.fromEntries(Object.entries(optional).filter(isKept)),
    ...(completion === undefined ? {} : { completion: entriesWithout(completion, names) }),
    ...(Object.keys(keptPassthrough).length === 0 ? {} : { passthrough: keptPassthrough }),
  };
}

function entriesWithout<T extends object>(whole: T, names: readonly string[]): T {
  if (!names.some((name) => Object.hasOwn(whole, name))) return whole;
  return Object.fromEntries(Object.entries(whole).filter(([name]) => !names.includes(name))) as T;
}
