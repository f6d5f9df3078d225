import { hash } from 'node:crypto';
import type { ModelCompletion, ModelRequest } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';

/**
 * The key of the response cache: a SHA-256, in base64url, over a canonical form of everything that
 * affects the response. The canonical form is a JSON array with fixed positions, so that different
 * requests never share one.
 */
export function cacheKey(provider: string, request: ModelRequest): string {
  const form = JSON.stringify([provider, ...REQUEST_FIELDS.map((canonical) => canonical(request))]);
  return hash('sha256', form, 'base64url');
}

/** Changed by hand when a canonical form changes without another field. See `CACHE_KEY_FORM`. */
const FORM_VERSION = 1;

type CanonicalFields<T> = { readonly [Field in keyof Required<T>]: (whole: T) => unknown };

/** Does not compile while a field of a message is missing. */
const CANONICAL_MESSAGE = {
  role: (message) => message.role,
  content: (message) => message.content,
  // The digest stands for an image of several megabytes.
  images: (message) => message.images?.map((image) => hash('sha256', image, 'base64url')) ?? null,
  image_detail: (message) => message.image_detail ?? null,
  thinking: (message) => message.thinking ?? null,
  tool_calls: (message) => message.tool_calls ?? null,
  tool_name: (message) => message.tool_name ?? null,
  tool_call_id: (message) => message.tool_call_id ?? null,
  name: (message) => message.name ?? null,
} as const satisfies CanonicalFields<Message>;

/** Does not compile while a field of a completion is missing. */
const CANONICAL_COMPLETION = {
  prompt: (completion) => completion.prompt,
  suffix: (completion) => completion.suffix ?? null,
  raw: (completion) => completion.raw,
  images: (completion) => completion.images?.map((image) => hash('sha256', image, 'base64url')) ?? null,
  template: (completion) => completion.template ?? null,
  context: (completion) => completion.context ?? null,
  files: (completion) => completion.files?.map(({ text, filename }) => [text, filename ?? null]) ?? null,
  echo: (completion) => completion.echo === true,
  system: (completion) => completion.system ?? null,
} as const satisfies CanonicalFields<ModelCompletion>;

/** Does not compile while a field of a request is missing. */
const CANONICAL_REQUEST = {
  model: (request) => request.model,
  messages: (request) => request.messages.map((message) => MESSAGE_FIELDS.map((canonical) => canonical(message))),
  completion: ({ completion }) =>
    completion === undefined ? null : COMPLETION_FIELDS.map((canonical) => canonical(completion)),
  // The order of options has no meaning.
  options: (request) => sortedByName(request.options),
  think: (request) => request.think ?? null,
  thinkOptional: (request) => request.thinkOptional ?? null,
  // The order of a schema's properties is the order in which the model writes them.
  format: (request) => request.format ?? null,
  formatDetails: (request) => request.formatDetails ?? null,
  tools: (request) => request.tools ?? null,
  toolChoice: (request) => request.toolChoice ?? null,
  parallelToolCalls: (request) => request.parallelToolCalls ?? null,
  logprobs: (request) => request.logprobs ?? null,
  topLogprobs: (request) => request.topLogprobs ?? null,
  passthrough: (request) => sortedByName(request.passthrough ?? null),
  // The time that a model stays loaded has no effect on the response.
  keepAlive: () => null,
  truncate: (request) => request.truncate ?? null,
  shift: (request) => request.shift ?? null,
} as const satisfies CanonicalFields<ModelRequest>;

const MESSAGE_FIELDS: readonly ((message: Message) => unknown)[] = Object.values(CANONICAL_MESSAGE);
const COMPLETION_FIELDS: readonly ((completion: ModelCompletion) => unknown)[] = Object.values(CANONICAL_COMPLETION);
const REQUEST_FIELDS: readonly ((request: ModelRequest) => unknown)[] = Object.values(CANONICAL_REQUEST);

/** Differs where the same request has another key: keys of an older program find nothing then. */
export const CACHE_KEY_FORM = hash(
  'sha256',
  JSON.stringify([
    FORM_VERSION,
    ...[CANONICAL_REQUEST, CANONICAL_MESSAGE, CANONICAL_COMPLETION].map((fields) => Object.keys(fields)),
  ]),
  'base64url',
);

/** The same value with the names of every object sorted. */
export function sortedByName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedByName);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  // Pairs: an object would move names that look like numbers to the front, and drop __proto__.
  return { pairs: entries.map(([name, inner]) => [name, sortedByName(inner)]) };
}
