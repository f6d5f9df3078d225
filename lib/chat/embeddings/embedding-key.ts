import { hash } from 'node:crypto';
import { sortedByName } from '#lib/chat/cache/cache-key';
import type { EmbedInput, EmbedRequest } from '#lib/models/embedding';

/** Does not compile while a field of a request is missing. */
const CANONICAL = {
  model: (request) => request.model,
  // They are added one by one: see `embeddingKeys`.
  inputs: () => null,
  dimensions: (request) => request.dimensions ?? null,
  // Ollama truncates unless the request forbids it.
  truncate: (request) => request.truncate !== false,
  options: (request) => sortedByName(request.options ?? {}),
  isRaw: (request) => request.isRaw === true,
  extra: (request) => sortedByName(request.extra ?? {}),
  // Neither has an effect on the vector.
  keepAlive: () => null,
  user: () => null,
} as const satisfies { readonly [Field in keyof Required<EmbedRequest>]: (request: EmbedRequest) => unknown };

/** Changed by hand when a canonical form changes without another field. */
const FORM_VERSION = 1;

/** Differs where the same input has another key. */
export const EMBEDDING_KEY_FORM = hash('sha256', JSON.stringify([FORM_VERSION, Object.keys(CANONICAL)]), 'base64url');

const FIELDS: readonly ((request: EmbedRequest) => unknown)[] = Object.values(CANONICAL);

/**
 * The cache key of each input: a SHA-256, in base64url, over a canonical form of everything that
 * affects its vector.
 */
export function embeddingKeys(provider: string, request: EmbedRequest): string[] {
  const common = JSON.stringify([provider, ...FIELDS.map((canonical) => canonical(request))]);
  return request.inputs.map((input: EmbedInput) => hash('sha256', common + JSON.stringify(input), 'base64url'));
}
