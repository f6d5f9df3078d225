import { modelOverrides } from '#lib/models/model-overrides';
import type { ServerModel } from '#lib/models/model-server';
import { type ModelInfo, optionDefaultsSchema } from '#lib/wire/models';

/** What administrators changed, as far as callers see it. */
export function changedInfo({ id, defaults }: ServerModel): Pick<ModelInfo, 'display_name' | 'defaults'> {
  const { displayName, parameters } = modelOverrides().get(id) ?? {};
  const own = optionDefaultsSchema.safeParse(parameters ?? {}).data ?? {};
  return {
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(Object.keys(own).length === 0 ? {} : { defaults: { ...defaults, ...own } }),
  };
}
