import type { Config } from '#lib/config/config';
import { serverNames } from '#lib/config/model-server-names';
import { ModelServer } from '#lib/models/model-server';
import type { ProviderDefinition } from '#lib/models/provider';
import type { ProviderId } from '#lib/wire/models';

/** A provider with its servers. */
export interface RegisteredProvider {
  definition: ProviderDefinition;
  servers: readonly ModelServer[];
}

/** Every provider with a server for each of its addresses. */
export function registeredProviders(
  settings: Config,
  definitions: readonly ProviderDefinition[],
): RegisteredProvider[] {
  const names = serverNames(settings);
  const offsets: Partial<Record<ProviderId, number>> = { ollama: 0, openai: settings.OLLAMA_API_URL.length };
  return definitions.flatMap((definition) => {
    const addresses = definition.addresses(settings);
    if (addresses.length === 0) return [];
    const servers = addresses.map(
      (address, index) =>
        new ModelServer({
          provider: definition.create(settings, address, index),
          name: names[(offsets[definition.id] ?? names.length) + index] ?? definition.id,
          isNamed: address.name !== undefined,
          url: address.url,
          slots: address.slots ?? settings.QUEUE_MAX_CONCURRENT,
          weight: address.weight,
          hasTags: definition.hasTags,
        }),
    );
    return [{ definition, servers }];
  });
}

/**
 * The providers that the settings choose, or undefined if a probe chooses
 * (docs/contract.md#settings).
 */
export function configuredProviders(
  settings: Config,
  registered: readonly RegisteredProvider[],
): RegisteredProvider[] | undefined {
  const { MODEL_PROVIDER: chosen } = settings;
  if (chosen !== 'auto') return registered.filter(({ definition }) => definition.id === chosen);
  const configured = registered.filter(({ definition }) => definition.isConfigured(settings));
  return configured.length === 0 ? undefined : configured;
}
