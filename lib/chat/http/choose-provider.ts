import { AppError } from '#lib/errors';
import { modelDirectory } from '#lib/models/model-directory';
import type { ModelProvider } from '#lib/models/provider';

export interface ProviderWish {
  /** Undefined if the request names none, or only behind a large file. */
  readonly model: string | undefined;
  /** Whether a provider can serve the request at all. */
  canServe(provider: ModelProvider): boolean;
  /** Of those that can: the ones to ask first, if the model does not decide. */
  isPreferred?(provider: ModelProvider): boolean;
  /** The error if no active provider can. */
  unsupported(): AppError;
}

/**
 * The one place that chooses a provider for a request that is no chat: the one of the model, else
 * the first that can serve the request. A name that no list of models has is no error here, because
 * servers do not list all models: the model server itself refuses it.
 */
export async function chooseProvider({
  model,
  canServe,
  isPreferred,
  unsupported,
}: ProviderWish): Promise<ModelProvider> {
  const directory = modelDirectory();
  const able = (await directory.providers()).filter(canServe);
  const first = able.find((provider) => isPreferred?.(provider) ?? true) ?? able[0];
  if (first === undefined) throw unsupported();
  if (model === undefined || able.length === 1) return first;
  try {
    const { provider } = await directory.resolve(model);
    return canServe(provider) ? provider : first;
  } catch (error) {
    if (AppError.is(error) && error.code === 'model_not_found') return first;
    throw error;
  }
}
