import { isSameTaggedModel } from '#lib/models/model-name';
import { PROVIDERS } from '#lib/models/provider-registry';
import type { ModelInfo } from '#lib/wire/models';

/** Finds a model of a list by `name`, by the same rule as `ModelDirectory.resolve`. */
export function findModel<T extends Pick<ModelInfo, 'id' | 'provider'>>(models: readonly T[], name: string) {
  return (
    models.find(({ id }) => id === name) ??
    models.find(({ id, provider }) => PROVIDERS[provider].hasTags && isSameTaggedModel(id, name))
  );
}
