import { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import { isSameTaggedModel } from '#lib/models/model-name';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ResolvedModel } from '#lib/models/model-route';
import type { ModelAccess } from '#lib/wire/people-admin';

/**
 * Models that a caller may use, of those that the model servers have: a key may be for some models
 * only, and a model for some groups and people only.
 */

type Resolved = Pick<ResolvedModel, 'model' | 'targets' | 'alias'>;

/** A model of a list. `alias_of` names the models of an alias, each perhaps with `@server`. */
interface Listed {
  readonly id: string;
  readonly alias_of?: readonly string[] | undefined;
}

/**
 * Whether a caller may use what it asked for. The name that it used is enough, which may be an
 * alias; otherwise every model that the name may stand for has to be allowed. `hasAccessRules` is
 * whether any model is for some people only.
 */
export function mayUseResolved(
  principal: Principal | undefined,
  requested: string | undefined,
  resolved: Resolved,
  hasAccessRules: boolean = modelOverrides().accessRules.length > 0,
): boolean {
  if (hasAccessRules && !isOpenTo(principal, resolved)) return false;
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
  hasAccessRules?: boolean,
): void {
  if (!mayUseResolved(principal, requested, resolved, hasAccessRules)) throw modelNotAllowed(principal, requested);
}

/** Whether no model is kept from a caller, by its key or by a rule for a model. */
export function mayUseEveryModel(principal: Principal): boolean {
  return principal.models === undefined && modelOverrides().accessRules.every((access) => admits(access, principal));
}

/** The models of a list that a caller may use. */
export function visibleModels<T extends Listed>(models: readonly T[], principal: Principal): readonly T[] {
  const { models: allowed } = principal;
  const ofKey = allowed === undefined ? models : models.filter(({ id }) => isAllowed(allowed, id));
  return ofKey.filter((model) => isListedFor(principal, model));
}

function modelNotAllowed(principal: Principal | undefined, requested: string | undefined): AppError {
  const which = requested === undefined ? 'The default model' : `The model ${requested}`;
  const whom = principal?.models === undefined ? 'you' : 'this key';
  return new AppError(
    'model_not_found',
    `${which} is not available to ${whom}. GET /v1/models lists those that are; name one of them, or ask your administrator.`,
    { data: { reason: 'not_allowed' } },
  );
}

function isAllowed(models: ReadonlySet<string>, name: string): boolean {
  if (models.has(name)) return true;
  for (const model of models) if (isSameTaggedModel(model, name)) return true;
  return false;
}

/** A rule for an alias stands before those of its models. */
function isOpenTo(principal: Principal | undefined, { model, targets, alias }: Resolved): boolean {
  const names = targets === undefined ? [model] : targets.map((target) => target.model);
  return principal === undefined || isEachOpenTo(principal, alias, names);
}

function isListedFor(principal: Principal, { id, alias_of: models }: Listed): boolean {
  if (models === undefined) return isEachOpenTo(principal, undefined, [id]);
  return isEachOpenTo(
    principal,
    id,
    models.map((name) => name.replace(/@[^@]*$/, '')),
  );
}

function isEachOpenTo(principal: Principal, alias: string | undefined, models: readonly string[]): boolean {
  const overrides = modelOverrides();
  const ofAlias = alias === undefined ? undefined : overrides.accessOf(alias);
  if (ofAlias !== undefined) return admits(ofAlias, principal);
  return models.every((model) => {
    const access = overrides.accessOf(model);
    return access === undefined || admits(access, principal);
  });
}

function admits({ groups, users }: ModelAccess, { role, userId, groupId }: Principal): boolean {
  if (role === 'admin') return true;
  return (userId !== undefined && users.includes(userId)) || (groupId !== undefined && groups.includes(groupId));
}
