import { isDeepStrictEqual } from 'node:util';
import { AppError } from '#lib/errors';
import type { ModelOverride } from '#lib/models/model-overrides';
import type { Store } from '#lib/store/store';
import type { ModelOptions } from '#lib/wire/chat';
import type { ModelParametersChange } from '#lib/wire/model-parameters';
import type { ModelInfo } from '#lib/wire/models';
import type { ModelAccess, ModelChange } from '#lib/wire/people-admin';
import { supportsOption } from '#lib/wire/request-field-support';

/** What an administrator changes of a model, apart from where it is kept. */

/** The override with a change: what is not named stays, null restores what the server would do. */
export function changedOverride(before: ModelOverride, change: ModelChange): ModelOverride {
  const isHidden = change.hidden ?? before.hidden ?? false;
  const displayName = changedTo(before.displayName, change.display_name);
  const systemPrompt = changedTo(before.systemPrompt, change.system_prompt);
  const parameters = changedParameters(before.parameters, change.parameters);
  const access = changedTo<ModelAccess>(before.access, change.access);
  return {
    ...(isHidden ? { hidden: true } : {}),
    ...(displayName === undefined ? {} : { displayName }),
    ...(systemPrompt === undefined ? {} : { systemPrompt }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(access === undefined ? {} : { access: { groups: unique(access.groups), users: unique(access.users) } }),
  };
}

function changedTo<T>(before: T | undefined, change: T | null | undefined): T | undefined {
  return change === undefined ? before : (change ?? undefined);
}

function changedParameters(
  before: ModelOptions | undefined,
  change: ModelParametersChange | null | undefined,
): ModelOptions | undefined {
  if (change === undefined) return before;
  const all: ModelOptions = change === null ? {} : { ...before };
  for (const [name, value] of Object.entries(change ?? {})) {
    if (value === null) delete all[name];
    else if (value !== undefined) all[name] = value;
  }
  return Object.keys(all).length === 0 ? undefined : all;
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].sort();
}

/** Throws `unsupported_value` for a parameter that the model server does not have. */
export function requireSupported({ id, provider }: ModelInfo, { parameters }: ModelChange): void {
  const unsupported = Object.entries(parameters ?? {}).filter(
    ([name, value]) => value != null && !supportsOption(provider, name),
  );
  const [first] = unsupported;
  if (first === undefined) return;
  throw new AppError('unsupported_value', `The model server of ${id} has no parameter ${first[0]}. Leave it out.`, {
    details: unsupported.map(([name]) => ({ field: `parameters.${name}`, message: 'has no effect on this model' })),
  });
}

/** Throws `invalid_request` for an added group or person that does not exist. */
export async function requireKnown({ db }: Pick<Store, 'db'>, before: ModelOverride, { access }: ModelChange) {
  for (const [field, table] of [
    ['groups', 'groups'],
    ['users', 'users'],
  ] as const) {
    const added = (access?.[field] ?? []).filter((id) => before.access?.[field].includes(id) !== true);
    if (added.length === 0) continue;
    const rows = await db.selectFrom(table).select('id').where('id', 'in', added).execute();
    const known = new Set(rows.map(({ id }) => id));
    const unknown = added.find((id) => !known.has(id));
    if (unknown === undefined) continue;
    const message = `names no ${field === 'groups' ? 'group' : 'person'}: ${unknown}`;
    throw new AppError('invalid_request', `access.${field} ${message}.`, {
      details: [{ field: `access.${field}`, message }],
    });
  }
}

/** A sentence of the audit log on what is stored, without the name of the model. */
export function describeChange(change: ModelChange, before: ModelOverride, after: ModelOverride): string {
  const words = [
    ...(change.hidden === undefined ? [] : [change.hidden ? 'hid' : 'showed']),
    ...(change.is_default === true ? ['made the default:'] : []),
    ...(change.display_name === undefined || before.displayName === after.displayName ? [] : ['named']),
    ...(change.system_prompt === undefined || before.systemPrompt === after.systemPrompt
      ? []
      : ['changed the prompt of']),
    ...(isDeepStrictEqual(before.parameters, after.parameters) ? [] : ['changed the parameters of']),
    ...(isDeepStrictEqual(before.access, after.access) ? [] : [accessWords(after)]),
  ];
  return words.length === 0 ? 'saved' : words.join(', ');
}

function accessWords({ access }: ModelOverride): string {
  if (access === undefined) return 'opened to everyone:';
  return access.groups.length + access.users.length === 0 ? 'closed to all but administrators:' : 'changed who may use';
}
