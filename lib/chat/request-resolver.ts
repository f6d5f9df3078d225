import { cacheKey } from '#lib/chat/cache/cache-key';
import { withoutUnsupported } from '#lib/chat/dropped-fields';
import { promptAsMessage, toModelRequest } from '#lib/chat/model-request';
import { AppError } from '#lib/errors';
import type { ResolvedModel, RouteTarget } from '#lib/models/model-route';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { ChatRequest } from '#lib/wire/chat';

/** A request as its model gets it. */
export interface ResolvedRequest {
  readonly provider: ModelProvider;
  readonly request: ModelRequest;
  readonly targets: readonly RouteTarget[] | undefined;
  /** Undefined if the response is neither cached nor shared. */
  readonly key: string | undefined;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  readonly ignoredFields: readonly string[];
  /** Fields of the request that the provider refuses and that were left out. */
  readonly droppedFields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

/**
 * The request for `model`, and its cache key if it `isShared`. Throws the provider's
 * `unsupported_parameter`, unless `dropsFields` allows to leave the fields out.
 */
export function resolveRequest(
  request: ChatRequest,
  { provider, model, targets }: ResolvedModel,
  defaultSystemPrompt: string | undefined,
  { isShared = false, dropsFields = false }: { isShared?: boolean; dropsFields?: boolean } = {},
): ResolvedRequest {
  const asSent = toModelRequest(request, model, defaultSystemPrompt);
  const shaped = (sent: ModelRequest) => (provider.templatesPrompts === true ? sent : promptAsMessage(sent));
  const whole = shaped(asSent);
  const check = (checked: ModelRequest) => provider.checkFieldSupport?.(checked) ?? NO_FIELDS;
  const supported = dropsFields
    ? withoutUnsupported(whole, check, shaped)
    : { request: whole, ignoredFields: check(whole), droppedFields: NO_FIELDS };
  const { request: sent, ignoredFields: ignored } = supported;
  return {
    ...supported,
    provider,
    targets,
    key: isShared ? cacheKey(provider.id, sent) : undefined,
    ignoredFields: targets === undefined || targets.length === 1 ? ignored : ignoredByAny(targets, sent, ignored),
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
