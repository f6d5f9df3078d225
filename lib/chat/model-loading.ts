import type { Awaitable } from '#lib/chat/awaitable';
import type { EngineParts, ModelResolver } from '#lib/chat/engine-parts';
import { toAppError } from '#lib/chat/model-error';
import { AppError } from '#lib/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ResolvedModel } from '#lib/models/model-route';
import { type ModelServer, serverNamed } from '#lib/models/model-server';
import type { KeepAlive } from '#lib/models/provider';
import type { Logger } from '#lib/telemetry/log';

export interface WarmOptions {
  /** How long the model stays loaded. */
  readonly keepAlive?: KeepAlive | undefined;
  /**
   * `first`: the server that is asked first. `all`: every server that is up and has the model. Else
   * the name of a server.
   */
  readonly on: 'first' | 'all' | { readonly server: string };
}

/** A model on one server: how long its load took, or why it failed. */
export type WarmedServer = { readonly name: string } & (
  | { readonly load_duration_ms: number }
  | { readonly error: string }
);

export interface WarmedModel {
  readonly model: string;
  /** The longest one. */
  readonly load_duration_ms: number;
  /** Undefined if the servers have no names that callers see. */
  readonly servers?: readonly WarmedServer[];
}

type LoadingParts = { readonly directory: ModelResolver; readonly log: Logger };

/**
 * Loads a model, the default one if `name` is undefined. Throws `not_found` for an unknown server,
 * and `model_load_failed` with the reason, and the original error as its cause, if no server could
 * load it.
 */
export async function warmModel(
  parts: LoadingParts,
  name: string | undefined,
  signal: AbortSignal,
  options: WarmOptions,
): Promise<WarmedModel> {
  const { directory, log } = parts;
  const { on, keepAlive } = options;
  const only = typeof on === 'string' ? undefined : serverNamed(directory.servers?.all ?? [], on.server);
  try {
    const resolved = await directory.resolve(name);
    const { model, servers } = placesOf(resolved, directory, only);
    const chosen = on === 'all' ? servers : servers.slice(0, 1);
    if (chosen.length === 0) return { model, ...(await resolved.provider.load(model, signal, keepAlive)) };
    const loads = await Promise.all(chosen.map((server) => load(server, model, parts, signal, keepAlive)));
    const times = loads.flatMap((loaded) => ('load_duration_ms' in loaded ? [loaded.load_duration_ms] : []));
    if (times.length === 0) throw loads.find((loaded) => 'cause' in loaded)?.cause;
    const named = loads.map(({ cause: _cause, ...loaded }) => loaded);
    const areNamed = chosen.some(({ isNameShown }) => isNameShown);
    return { model, load_duration_ms: Math.max(...times), ...(areNamed ? { servers: named } : {}) };
  } catch (error) {
    signal.throwIfAborted();
    const { message, operatorMessage } = toAppError(error, log);
    throw new AppError('model_load_failed', message, { cause: error, operatorMessage });
  }
}

/** The servers that are up and have a model, those where it is loaded first. */
function placesOf(
  { provider, model, targets }: ResolvedModel,
  { servers }: ModelResolver,
  only: ModelServer | undefined,
): { model: string; servers: readonly ModelServer[] } {
  const own = servers?.serverOf(provider);
  const all = targets ?? [{ model, servers: own === undefined ? [] : [own] }];
  if (only !== undefined) {
    const target = all.find((each) => each.servers.includes(only) && only.has(each.model) !== false);
    if (target !== undefined) return { model: target.model, servers: [only] };
    throw new AppError('model_not_found', `The model server ${only.name} has no model ${model}.`);
  }
  const [first] = all;
  const having = first?.servers.filter((server) => server.has(first.model) !== false) ?? [];
  const up = having.filter(({ isUp }) => isUp);
  const usable = up.length > 0 ? up : having;
  const byLoaded = usable.toSorted((a, b) => Number(b.isLoaded(model)) - Number(a.isLoaded(model)));
  return { model: first?.model ?? model, servers: byLoaded };
}

async function load(
  server: ModelServer,
  model: string,
  { directory, log }: LoadingParts,
  signal: AbortSignal,
  keepAlive: KeepAlive | undefined,
): Promise<WarmedServer & { readonly cause?: unknown }> {
  const { name } = server;
  try {
    const { load_duration_ms } = await server.provider.load(model, signal, keepAlive);
    server.setLoaded(model);
    void directory.servers?.refresh(server);
    return { name, load_duration_ms };
  } catch (error) {
    directory.servers?.reportFailure(server, error);
    return { name, error: toAppError(error, log).message, cause: error };
  }
}

export interface UnloadingParts extends Pick<EngineParts, 'directory'> {
  /** How many requests run with such a model, or wait for it. */
  readonly usesOf: (isOne: (model: string) => boolean) => Awaitable<number>;
}

/**
 * Unloads a model of Ollama, and returns its name. Throws `unsupported_value` while a request
 * runs with it or waits for it, and if its model server cannot unload models.
 */
export async function unloadModel(
  { directory, usesOf }: UnloadingParts,
  name: string,
  signal: AbortSignal,
): Promise<string> {
  const { provider, model, targets } = await directory.resolve(name);
  const providers = targets?.[0]?.servers.map((server) => server.provider) ?? [provider];
  const unloaders = providers.flatMap(({ ollama }) => ollama ?? []);
  if (unloaders.length === 0)
    throw new AppError('unsupported_value', 'Only Ollama unloads models, and this one is of another model server.');
  const uses = await usesOf((used) => isSameTaggedModel(used, model));
  if (uses > 0)
    throw new AppError('unsupported_value', `${model} is in use: ${uses} running or waiting. Try again later.`);
  await Promise.all(unloaders.map((ollama) => ollama.unload(model, signal)));
  return model;
}
