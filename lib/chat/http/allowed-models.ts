import { mayUseEveryModel, requireAllowed, visibleModels } from '#lib/chat/allowed-models';
import type { Principal } from '#lib/http/principal';
import { modelDirectory } from '#lib/models/model-directory';
import type { Models } from '#lib/wire/models';

/**
 * Throws `model_not_found` unless the caller may use the model, and what resolving it throws. A
 * name that is not listed is refused for a caller that some model is kept from.
 */
export async function requireAllowedModel(principal: Principal, name: string | undefined): Promise<void> {
  if (mayUseEveryModel(principal)) return;
  requireAllowed(principal, name, await modelDirectory().resolve(name));
}

/**
 * The list of models as a caller sees it. The default is the first one where it may not use it, and
 * the notice names no model that it may not use.
 */
export function modelsFor(list: Models, principal: Principal): Models {
  if (mayUseEveryModel(principal)) return list;
  const models = visibleModels(list.models, principal);
  const chosen = models.find(({ is_default }) => is_default) ?? models[0];
  return {
    ...list,
    models: models.map((model) => ({ ...model, is_default: model === chosen })),
    default_model: chosen?.id ?? '',
    notice: noticeFor(list, models, principal),
  };
}

/** `models` are those of the list that the caller may use. */
function noticeFor(list: Models, models: readonly Models['models'][number][], principal: Principal): string | null {
  const { notice } = list;
  if (list.models.length > 0 && models.length === 0)
    return principal.models === undefined
      ? 'No model is available to you: ask your administrator.'
      : 'No model is available to this key: ask your administrator, or use another key.';
  const seen = new Set(models.map(({ id }) => id));
  return list.models.some(({ id }) => !seen.has(id) && notice?.includes(id) === true) ? null : notice;
}
