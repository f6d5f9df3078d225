import type { EngineParts, ModelResolver } from '#lib/chat/engine-parts';
import { toAppError } from '#lib/chat/model-error';
import { AppError } from '#lib/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { KeepAlive } from '#lib/models/provider';
import type { Logger } from '#lib/telemetry/log';

/**
 * Loads a model, the default one if `name` is undefined, and keeps it loaded for `keepAlive`.
 * Throws `model_load_failed` with the reason, and the original error as its cause.
 */
export async function warmModel(
  { directory, log }: { directory: ModelResolver; log: Logger },
  name: string | undefined,
  signal: AbortSignal,
  keepAlive?: KeepAlive,
): Promise<{ model: string; load_duration_ms: number }> {
  try {
    const { provider, model } = await directory.resolve(name);
    const { load_duration_ms } = await provider.load(model, signal, keepAlive);
    const server = directory.servers?.serverOf(provider);
    if (server !== undefined) {
      server.setLoaded(model);
      void directory.servers?.refresh(server);
    }
    return { model, load_duration_ms };
  } catch (error) {
    const { message } = toAppError(error, log);
    throw new AppError('model_load_failed', message, { cause: error });
  }
}

/**
 * Unloads a model of Ollama, and returns its name. Throws `unsupported_value` while a request
 * runs with it or waits for it, and if its model server cannot unload models.
 */
export async function unloadModel(
  { directory, scheduler }: Pick<EngineParts, 'directory' | 'scheduler'>,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const { provider, model, targets } = await directory.resolve(name);
  const providers = targets?.[0]?.servers.map((server) => server.provider) ?? [provider];
  const unloaders = providers.flatMap(({ ollama }) => ollama ?? []);
  if (unloaders.length === 0)
    throw new AppError('unsupported_value', 'Only Ollama unloads models, and this one is of another model server.');
  const uses = scheduler.usesOf((used) => isSameTaggedModel(used, model));
  if (uses > 0)
    throw new AppError('unsupported_value', `${model} is in use: ${uses} running or waiting. Try again later.`);
  await Promise.all(unloaders.map((ollama) => ollama.unload(model, signal)));
  return model;
}
