import type { ModelInfo, Models } from '#lib/wire/models';
import type { ModelChoice } from './chat-state.ts';
import type { ModelCapabilities } from './conversation.ts';

/** Finds a model; null means the server's default. Ollama names may omit `:latest`. */
export function modelByName(models: Models, name: string | null): ModelInfo | undefined {
  const wanted = name ?? models.default_model;
  return models.models.find(({ id }) => id === wanted || id === `${wanted}:latest`);
}

/**
 * The capabilities of a model. Until the models are known everything is sent and the server
 * refuses what it must. A model that is not listed is treated as text-only.
 */
export function capabilitiesOf(models: Models | undefined, name: string | null): ModelCapabilities {
  if (models === undefined) return { vision: true, thinking: true };
  const { vision = false, thinking = false } = modelByName(models, name)?.capabilities ?? {};
  return { vision, thinking };
}

export type ThinkingMode = NonNullable<ModelInfo['thinking_modes']>[number];

/** The values of Thinking that a model distinguishes; empty for a model that does not reason. */
export function thinkingModesOf(model: ModelInfo | undefined): readonly ThinkingMode[] {
  // An older server does not list them.
  return model?.thinking_modes ?? (model?.capabilities.thinking === true ? ['off', 'on'] : []);
}

/** The choice of a model for a response; null means the server's default. */
export function modelChoice(models: Models | undefined, model: string | null): ModelChoice {
  return { model, capabilities: capabilitiesOf(models, model), name: model ?? models?.default_model };
}
