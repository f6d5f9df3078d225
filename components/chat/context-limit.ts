import type { ModelInfo, Models } from '#lib/wire/models';
import type { ChatSettings } from './conversation.ts';
import { modelByName } from './model-capabilities.ts';

/** The tokens that the conversation can have. Undefined if that is not known. */
export function contextLimit(
  models: Models | undefined,
  name: string | null,
  { sampling }: ChatSettings,
): number | undefined {
  const model = models === undefined ? undefined : modelByName(models, name);
  if (model === undefined) return undefined;
  const chosen = model.provider === 'ollama' ? sampling.num_ctx : undefined;
  const most = model.context_length ?? Number.POSITIVE_INFINITY;
  if (chosen !== undefined) return Math.min(chosen, most);
  // An older server does not list the usable length.
  const usable = model.usable_context_length === undefined ? model.context_length : model.usable_context_length;
  return usable ?? undefined;
}

/** Whether the settings can give the chat a longer context. */
export function canLengthen(model: ModelInfo | undefined, limit: number | undefined): boolean {
  return model?.provider === 'ollama' && limit !== undefined && (model.context_length ?? 0) > limit;
}
