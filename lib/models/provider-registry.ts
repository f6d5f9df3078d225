import { embeddedDefinition } from '#lib/models/embedded/provider';
import { ollamaDefinition } from '#lib/models/ollama/definition';
import { openAiDefinition } from '#lib/models/openai/provider';
import type { ProviderDefinition } from '#lib/models/provider';
import type { ProviderId } from '#lib/wire/models';

/**
 * Every kind of model provider, in order of preference. The last one is the fallback of
 * MODEL_PROVIDER=auto: it needs no server.
 *
 * To add a provider, add its id to `providerIdSchema` of lib/wire/models.ts, a folder next to this
 * file, and a line below. The type checker asks for its column in the table of fields
 * (lib/wire/request-field-support.ts).
 */
export const PROVIDERS: Readonly<Record<ProviderId, ProviderDefinition>> = {
  ollama: ollamaDefinition,
  openai: openAiDefinition,
  embedded: embeddedDefinition,
};
