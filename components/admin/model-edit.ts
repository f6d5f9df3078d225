import type { ModelParametersChange } from '#lib/wire/model-parameters';
import type { AdminModel, ModelAccess, ModelChange } from '#lib/wire/people-admin';
import { PARAMETER_FIELDS } from './model-parameters.ts';

/** What the dialog of a model has. */
export interface ModelEdit {
  name: string;
  prompt: string;
  parameters: ModelParametersChange;
  access: ModelAccess | null;
}

type EditedModel = Pick<AdminModel, 'display_name' | 'system_prompt' | 'parameters' | 'access'>;

/** What differs from the model as it is, and the change that takes it back. */
export function modelChanges(
  { name, prompt, parameters, access }: ModelEdit,
  model: EditedModel,
): { change: ModelChange; undo: ModelChange } {
  const change: ModelChange = {};
  const undo: ModelChange = {};
  const displayName = name.trim() === '' ? null : name.trim();
  if (displayName !== model.display_name) {
    change.display_name = displayName;
    undo.display_name = model.display_name;
  }
  const systemPrompt = prompt.trim() === '' ? null : prompt;
  if (systemPrompt !== model.system_prompt) {
    change.system_prompt = systemPrompt;
    undo.system_prompt = model.system_prompt;
  }
  if (Object.keys(parameters).length > 0) {
    change.parameters = parameters;
    undo.parameters = parametersBefore(parameters, model);
  }
  if (!isSameAccess(access, model.access)) {
    change.access = access;
    undo.access = model.access;
  }
  return { change, undo };
}

function parametersBefore(changes: ModelParametersChange, model: EditedModel): ModelParametersChange {
  const before: ModelParametersChange = {};
  for (const { name } of PARAMETER_FIELDS)
    if (changes[name] !== undefined) before[name] = model.parameters[name] ?? null;
  return before;
}

/** The order of groups and people has no meaning. */
function isSameAccess(one: ModelAccess | null, other: ModelAccess | null): boolean {
  if (one === null || other === null) return one === other;
  return isSameSet(one.groups, other.groups) && isSameSet(one.users, other.users);
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id) => other.includes(id));
}
