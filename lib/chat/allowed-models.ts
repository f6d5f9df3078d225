import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ResolvedModel } from '#lib/models/model-route';

/** Models that a caller may use, of those that the model servers have. */

type Resolved = Pick<ResolvedModel, 'model' | 'targets'>;

/**
 * Whether a caller may use what it asked for. The name that it used is enough, which may be an
 * alias; otherwise every model that the name may stand for has to be allowed.
 */
export function mayUseResolved(principal: Principal | undefined, requested: string | undefined, resolved: Resolved) {
  const models = principal?.models;
  if (models === undefined) return true;
  if (requested !== undefined && isAllowed(models, requested)) return true;
  const { model, targets } = resolved;
  return isAllowed(models, model) && (targets ?? []).every((target) => isAllowed(models, target.model));
}

/**
 * Throws `model_not_found` for a model that the caller may not use: the lists of models that it can
 * read do not have it either.
 */
export function requireAllowed(
  principal: Principal | undefined,
  requested: string | undefined,
  resolved: Resolved,
): void {
  if (!mayUseResolved(principal, requested, resolved)) throw modelNotAllowed(requested);
}

export function modelNotAllowed(requested: string | undefined): AppError {
  const which = requested === undefined ? 'The default model' : `The model ${requested}`;
  return new AppError(
    'model_not_found',
    `${which} is not available to this key. GET /v1/models lists those that are; name one of them.`,
  );
}

/** The models of a list that a caller may use. */
export function visibleModels<T extends { readonly id: string }>(
  models: readonly T[],
  { models: allowed }: Principal,
): readonly T[] {
  return allowed === undefined ? models : models.filter(({ id }) => isAllowed(allowed, id));
}

function isAllowed(models: ReadonlySet<string>, name: string): boolean {
  if (models.has(name)) return true;
  for (const model of models) if (isSameTaggedModel(model, name)) return true;
  return false;
}
