import type { ModelInfo, Models } from '#lib/wire/models';
import type { ModelCapabilities } from './conversation.ts';

/** The entry of `name`, null for the server's default. Ollama's names may leave `:latest` out. */
export function modelByName(models: Models, name: string | null): ModelInfo | undefined {
  const wanted = name ?? models.default_model;
  return models.models.find(({ id }) => id === wanted || id === `${wanted}:latest`);
}

/**
 * What the model `name` can do. Where that is not known yet everything is sent, and the server says what it refuses; a
 * model that is not in the list is taken for one that reads text.
 */
export function capabilitiesOf(models: Models | undefined, name: string | null): ModelCapabilities {
  if (models === undefined) return { vision: true, thinking: true };
  const { vision = false, thinking = false } = modelByName(models, name)?.capabilities ?? {};
  return { vision, thinking };
}
