import { cacheKey } from '#lib/chat/cache/cache-key';
import { toModelRequest } from '#lib/chat/model-request';
import { AppError } from '#lib/errors';
import type { ResolvedModel, RouteTarget } from '#lib/models/model-route';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { ChatRequest } from '#lib/wire/chat';

/** A request as its model gets it. */
export interface ResolvedRequest {
  readonly provider: ModelProvider;
  readonly request: ModelRequest;
  readonly targets: readonly RouteTarget[] | undefined;
  /** Undefined if the response is not to be cached. */
  readonly key: string | undefined;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  readonly ignoredFields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

/** The request for a model, and its cache key. */
export function resolveRequest(
  request: ChatRequest,
  { provider, model, targets }: ResolvedModel,
  defaultSystemPrompt: string | undefined,
): ResolvedRequest {
  const modelRequest = toModelRequest(request, model, defaultSystemPrompt);
  const ignored = provider.checkFieldSupport?.(modelRequest) ?? NO_FIELDS;
  return {
    provider,
    request: modelRequest,
    targets,
    key: request.use_cache ? cacheKey(provider.id, modelRequest) : undefined,
    ignoredFields:
      targets === undefined || targets.length === 1 ? ignored : ignoredByAny(targets, modelRequest, ignored),
  };
}

/** The fields without an effect on one of the servers that may respond. */
function ignoredByAny(
  targets: readonly RouteTarget[],
  request: ModelRequest,
  ignored: readonly string[],
): readonly string[] {
  const all = new Set(ignored);
  for (const { servers } of targets)
    try {
      for (const field of servers[0]?.provider.checkFieldSupport?.(request) ?? []) all.add(field);
    } catch (error) {
      // This model is not tried.
      if (!AppError.is(error)) throw error;
    }
  return [...all];
}
