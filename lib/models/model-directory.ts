import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ModelProvider, ProviderDefinition } from '#lib/models/provider';
import { PROVIDERS } from '#lib/models/provider-registry';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import type { ModelInfo, Models, ProviderState } from '#lib/wire/models';
import { supportedOptions } from '#lib/wire/request-field-support';

/** The active providers and their models. */
export interface ModelDirectory {
  /**
   * The provider of `model`, and the provider's own name of it; undefined is the default model.
   * Throws `model_not_found`. Does no I/O once the providers and their models are known.
   */
  resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }>;
  /** Lists the models. An unreachable provider is reported in `providers`. */
  list(signal: AbortSignal): Promise<Models>;
  /** Resolves when every active provider responds; throws the first error. */
  check(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ModelDirectoryOptions {
  settings: Config;
  /** In order of preference. The last one is the fallback. */
  definitions: readonly ProviderDefinition[];
  now(): number;
}

/** The age after which a probe or a list is repeated in the background. */
const REFRESH_AFTER_MS = 15_000;
/** The minimum age of the lists before an unknown name reads them again. */
const UNKNOWN_MODEL_REFRESH_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
const LIST_TIMEOUT_MS = 5_000;

/** The process's directory. Opens no connection before its first use. */
export function modelDirectory(): ModelDirectory {
  return singleton('models', () => {
    const definitions = Object.values(PROVIDERS);
    const directory = createModelDirectory({ settings: config(), definitions, now: Date.now });
    onShutdown(() => directory.close());
    return directory;
  });
}

export function createModelDirectory(options: ModelDirectoryOptions): ModelDirectory {
  return new CachedModelDirectory(options);
}

interface RegisteredProvider {
  definition: ProviderDefinition;
  provider: ModelProvider;
}

interface ListedModel {
  info: Omit<ModelInfo, 'is_default'>;
  provider: ModelProvider;
  hasTags: boolean;
}

/** The lists of all active providers, read at the same time. */
interface ModelSnapshot {
  models: ListedModel[];
  states: ProviderState[];
  errors: AppError[];
  readAt: number;
}

class CachedModelDirectory implements ModelDirectory {
  readonly #settings: Config;
  readonly #now: () => number;
  readonly #registered: readonly RegisteredProvider[];
  /** The providers that the settings choose; undefined if a probe chooses. */
  readonly #configured: RegisteredProvider[] | undefined;
  #active: RegisteredProvider[] | undefined;
  #probedAt = 0;
  #probing: Promise<RegisteredProvider[]> | undefined;
  #snapshot: ModelSnapshot | undefined;
  #reading: Promise<ModelSnapshot> | undefined;
  readonly #closing = new AbortController();

  constructor({ settings, definitions, now }: ModelDirectoryOptions) {
    this.#settings = settings;
    this.#now = now;
    this.#registered = definitions.flatMap((definition) => {
      const provider = definition.create(settings);
      return provider === undefined ? [] : [{ definition, provider }];
    });
    this.#configured = configuredProviders(settings, this.#registered);
    this.#active = this.#configured;
  }

  async resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }> {
    const active = this.#active ?? (await this.#probe());
    this.#refreshInBackground();
    const [first] = active;
    const defaultName = this.#settings.OLLAMA_MODEL;
    const sole = first?.provider.soleModel;
    if (first !== undefined && sole !== undefined) {
      if (model === undefined || model === defaultName || isSameTaggedModel(model, sole.id))
        return { provider: first.provider, model: sole.id };
      throw sole.notFound(model);
    }
    // The provider itself rejects an unknown name. Reading its list first would cost a round trip.
    if (model !== undefined && active.length === 1 && first !== undefined) return { provider: first.provider, model };
    let snapshot = this.#snapshot ?? (await this.#read(this.#closing.signal));
    let found = this.#findOrDefault(snapshot, model);
    if (found === undefined && this.#now() - snapshot.readAt >= UNKNOWN_MODEL_REFRESH_MS) {
      snapshot = await this.#read(this.#closing.signal);
      found = this.#findOrDefault(snapshot, model);
    }
    if (found !== undefined) return { provider: found.provider, model: found.info.id };
    // An unreachable provider may have the model.
    const [error] = snapshot.errors;
    if (error !== undefined) throw error;
    const name = model ?? defaultName;
    throw new AppError('model_not_found', `Model ${name} is not available. ${howToGet(name, active)}`);
  }

  async list(signal: AbortSignal): Promise<Models> {
    if (this.#active === undefined || this.#isProbeOutdated()) await this.#probe();
    const snapshot = await this.#read(signal);
    const active = this.#active ?? [];
    const sole = active[0]?.provider.soleModel;
    const chosen = sole === undefined ? this.#findOrDefault(snapshot) : snapshot.models[0];
    return {
      models: snapshot.models.map((model) => ({ ...model.info, is_default: model === chosen })),
      default_model: chosen?.info.id ?? sole?.id ?? this.#settings.OLLAMA_MODEL,
      providers: snapshot.states,
      has_system_prompt: (this.#settings.OLLAMA_SYSTEM_PROMPT ?? '') !== '',
      notice: noModelNotice(snapshot) ?? sole?.notice ?? this.#defaultNotice(active, snapshot, chosen?.info.id),
    };
  }

  async check(signal: AbortSignal): Promise<void> {
    const active = this.#active ?? (await this.#probe());
    await Promise.all(active.map(({ provider }) => provider.check(signal)));
  }

  async close(): Promise<void> {
    this.#closing.abort(new AppError('shutting_down', 'The server is shutting down.'));
    await Promise.all(this.#registered.map(({ provider }) => provider.close()));
  }

  get #fallback(): RegisteredProvider[] {
    return this.#registered.slice(-1);
  }

  /** Only a probe that chose the fallback can choose differently later. */
  #isProbeOutdated(): boolean {
    return (
      this.#configured === undefined &&
      this.#active?.[0] === this.#fallback[0] &&
      this.#now() - this.#probedAt >= REFRESH_AFTER_MS
    );
  }

  #refreshInBackground(): void {
    if (this.#isProbeOutdated()) void this.#probe();
    // Once OLLAMA_MODEL is available, it replaces the substitute for it.
    const snapshot = this.#snapshot;
    if (snapshot === undefined || this.#now() - snapshot.readAt < REFRESH_AFTER_MS) return;
    if (find(snapshot, this.#settings.OLLAMA_MODEL) === undefined) void this.#read(this.#closing.signal);
  }

  /**
   * Chooses the first provider whose probe succeeds, else the fallback. Single-flight; never
   * rejects.
   */
  #probe(): Promise<RegisteredProvider[]> {
    this.#probing ??= (async () => {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
      const responds = await Promise.all(
        this.#registered.map(async ({ definition }) => {
          return (await definition.probe?.(this.#settings, signal).catch(() => false)) ?? false;
        }),
      );
      const found = this.#registered[responds.indexOf(true)];
      const active = found === undefined ? this.#fallback : [found];
      if (active[0] !== this.#active?.[0]) this.#snapshot = undefined;
      this.#active = active;
      this.#probedAt = this.#now();
      this.#probing = undefined;
      return active;
    })();
    return this.#probing;
  }

  /** Reads the list of every provider. Single-flight; rejects only if `signal` aborted. */
  async #read(signal: AbortSignal): Promise<ModelSnapshot> {
    this.#reading ??= this.#readLists().finally(() => {
      this.#reading = undefined;
    });
    const snapshot = await this.#reading;
    signal.throwIfAborted();
    return snapshot;
  }

  async #readLists(): Promise<ModelSnapshot> {
    const active = this.#active ?? (await this.#probe());
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    const snapshot: ModelSnapshot = { models: [], states: [], errors: [], readAt: this.#now() };
    const lists = await Promise.allSettled(active.map(({ provider }) => provider.models(signal)));
    for (const [index, { definition, provider }] of active.entries()) {
      const list = lists[index];
      if (list === undefined) continue;
      if (list.status === 'fulfilled') {
        snapshot.states.push({
          id: definition.id,
          reachable: true,
          error: null,
          options: supportedOptions(definition.id),
          ...(definition.optionDefaults === undefined ? {} : { defaults: definition.optionDefaults(this.#settings) }),
        });
        snapshot.models.push(...list.value.map((info) => ({ info, provider, hasTags: definition.hasTags })));
      } else {
        const error = AppError.is(list.reason)
          ? list.reason
          : new AppError('provider_unavailable', `${definition.displayName} did not list its models in time.`, {
              cause: list.reason,
            });
        snapshot.states.push({ id: definition.id, reachable: false, error: error.message });
        snapshot.errors.push(error);
      }
    }
    if (this.#active === active) this.#snapshot = snapshot;
    return snapshot;
  }

  /** Without a name: OLLAMA_MODEL, else a loaded model, else the first one. */
  #findOrDefault(snapshot: ModelSnapshot, model?: string): ListedModel | undefined {
    if (model !== undefined) return find(snapshot, model);
    const { models } = snapshot;
    return find(snapshot, this.#settings.OLLAMA_MODEL) ?? models.find(({ info }) => info.loaded) ?? models[0];
  }

  #defaultNotice(active: RegisteredProvider[], snapshot: ModelSnapshot, chosen: string | undefined): string | null {
    const name = this.#settings.OLLAMA_MODEL;
    if (find(snapshot, name) !== undefined) return null;
    for (const { definition } of active)
      if (snapshot.states.some(({ id, reachable }) => id === definition.id && reachable)) {
        const notice = definition.missingDefaultNotice?.(name, chosen);
        if (notice !== undefined) return notice;
      }
    return null;
  }
}

/**
 * The providers that the settings choose, or undefined if a probe chooses
 * (docs/contract.md#settings).
 */
function configuredProviders(
  settings: Config,
  registered: readonly RegisteredProvider[],
): RegisteredProvider[] | undefined {
  const { MODEL_PROVIDER: chosen } = settings;
  if (chosen !== 'auto') return registered.filter(({ definition }) => definition.id === chosen);
  const configured = registered.filter(({ definition }) => definition.isConfigured(settings));
  return configured.length === 0 ? undefined : configured;
}

/** Finds a model of a list by `name`, by the same rule as `ModelDirectory.resolve`. */
export function findModel<T extends Pick<ModelInfo, 'id' | 'provider'>>(models: readonly T[], name: string) {
  return (
    models.find(({ id }) => id === name) ??
    models.find(({ id, provider }) => PROVIDERS[provider].hasTags && isSameTaggedModel(id, name))
  );
}

function find({ models }: ModelSnapshot, name: string): ListedModel | undefined {
  return (
    models.find(({ info }) => info.id === name) ??
    models.find(({ info, hasTags }) => hasTags && isSameTaggedModel(info.id, name))
  );
}

function howToGet(model: string, active: readonly RegisteredProvider[]): string {
  const command = active.map(({ definition }) => definition.pullCommand?.(model)).find((found) => found !== undefined);
  return command === undefined
    ? 'GET /api/models lists what is there.'
    : `Get it with \`${command}\`; GET /api/models lists what is there.`;
}

/** The reason why no active provider lists a model, with what to do. */
function noModelNotice({ models, errors: [error] }: ModelSnapshot): string | undefined {
  return models.length === 0 ? error?.message : undefined;
}
