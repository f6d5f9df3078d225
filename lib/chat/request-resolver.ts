import { cacheKey } from '#lib/chat/cache/cache-key';
import { toModelRequest } from '#lib/chat/model-request';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { ChatRequest } from '#lib/wire/chat';

/** A request as its model gets it. */
export interface ResolvedRequest {
  readonly provider: ModelProvider;
  readonly request: ModelRequest;
  /** Undefined if the response is not to be cached. */
  readonly key: string | undefined;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  readonly ignoredFields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

/** The request for `model`, and its cache key. */
export function resolveRequest(
  request: ChatRequest,
  provider: ModelProvider,
  model: string,
  defaultSystemPrompt: string | undefined,
): ResolvedRequest {
  const modelRequest = toModelRequest(request, model, defaultSystemPrompt);
  return {
    provider,
    request: modelRequest,
    key: request.use_cache ? cacheKey(provider.id, modelRequest) : undefined,
    ignoredFields: provider.checkFieldSupport?.(modelRequest) ?? NO_FIELDS,
  };
}
