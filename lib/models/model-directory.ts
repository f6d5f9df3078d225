import { type Clock, systemClock } from '#lib/clock';
import { type Config, config } from '#lib/config/config';
import { requestDefaultsVersion } from '#lib/config/runtime-settings';
import { AppError } from '#lib/errors';
import { changedInfo } from '#lib/models/changed-info';
import { setKnownModels } from '#lib/models/known-models';
import { unknownModel } from '#lib/models/missing-model';
import { aliasModels, resolveAlias } from '#lib/models/model-aliases';
import { isSameTaggedModel } from '#lib/models/model-name';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ResolvedModel } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import {
  findListed,
  listError,
  listedModels,
  type ModelSnapshot,
  noModelNotice,
  type SnapshotModel,
} from '#lib/models/model-snapshot';
import type { ModelProvider, ProviderDefinition } from '#lib/models/provider';
import { PROVIDERS } from '#lib/models/provider-registry';
import { configuredProviders, type RegisteredProvider, registeredProviders } from '#lib/models/registered-providers';
import { ModelServers } from '#lib/models/servers';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import { log } from '#lib/telemetry/log';
import type { Models, ProviderId } from '#lib/wire/models';
import { supportedOptions } from '#lib/wire/request-field-support';

export { findModel } from '#lib/models/find-model';

/** The active providers and their models. */
export interface ModelDirectory {
  /** The model servers in use. */
  readonly servers: ModelServers;
  /**
   * The provider of `model`, and the provider's own name of it; undefined is the default model.
   * Throws `model_not_found`. Does no I/O once the providers and their models are known.
   */
  resolve(model: string | undefined): Promise<ResolvedModel>;
  /** Like `resolve`, at once. Undefined if that takes I/O, or if `resolve` is to throw. */
  resolveKnown(model: string | undefined): ResolvedModel | undefined;
  /** Whether a server was last seen to list the model, or a setting names it. Does no I/O. */
  isKnown(model: string): boolean;
  /** The provider of each model server in use, in order of preference. */
  providers(): Promise<readonly ModelProvider[]>;
  /** Lists the models. An unreachable provider is reported in `providers`. */
  list(signal: AbortSignal): Promise<Models>;
  /** As `list`, with the models that administrators have hidden. */
  listAll(signal: AbortSignal): Promise<Models>;
  /**
   * Resolves with how many model servers are down, if one of them responds; else throws the first
   * error.
   */
  check(signal: AbortSignal): Promise<{ down: number; total: number }>;
  close(): Promise<void>;
}

export interface ModelDirectoryOptions {
  settings: Config;
  /** In order of preference. The last one is the fallback. */
  definitions: readonly ProviderDefinition[];
  timers: Clock;
}

/** The age after which a probe or a list is repeated in the background. */
const REFRESH_AFTER_MS = 15_000;
/** The minimum age of the lists before an unknown name reads them again. */
const UNKNOWN_MODEL_REFRESH_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
/** Bounds the resolved names that are remembered until the next list. */
const MAX_RESOLVED = 1_000;

/** The process's directory. Opens no connection before its first use. */
export function modelDirectory(): ModelDirectory {
  return singleton('models', () => {
    const definitions = Object.values(PROVIDERS);
    const directory = createModelDirectory({ settings: config(), definitions, timers: systemClock });
    setKnownModels(directory);
    onShutdown(() => directory.close());
    return directory;
  });
}

export function createModelDirectory(options: ModelDirectoryOptions): ModelDirectory {
  return new CachedModelDirectory(options);
}

class CachedModelDirectory implements ModelDirectory {
  readonly servers: ModelServers;
  readonly #settings: Config;
  readonly #timers: Clock;
  readonly #registered: readonly RegisteredProvider[];
  /** The providers that the settings choose; undefined if a probe chooses. */
  readonly #configured: RegisteredProvider[] | undefined;
  #active: RegisteredProvider[] | undefined;
  #probedAt = 0;
  #probing: Promise<RegisteredProvider[]> | undefined;
  #snapshot: ModelSnapshot | undefined;
  #reading: Promise<ModelSnapshot> | undefined;
  readonly #reportedVersions = new Set<string>();
  readonly #closing = new AbortController();

  constructor({ settings, definitions, timers }: ModelDirectoryOptions) {
    this.#settings = settings;
    this.#timers = timers;
    this.servers = new ModelServers(timers);
    this.#registered = registeredProviders(settings, definitions);
    this.#configured = configuredProviders(settings, this.#registered);
    if (this.#configured !== undefined) this.#activate(this.#configured);
    this.servers.onChange(() => {
      if (this.servers.areSeveral && this.#reading === undefined)
        this.#snapshot &&= this.#snapshotOf(this.#snapshot.readAt);
    });
  }

  resolveKnown(model: string | undefined): ResolvedModel | undefined {
    const active = this.#active;
    const overrides = model === undefined ? undefined : modelOverrides();
    if (active === undefined || (model !== undefined && overrides?.isHidden(model) === true)) return undefined;
    this.#refreshInBackground();
    const provider = active[0]?.servers[0]?.provider;
    const sole = provider?.soleModel;
    const name = model ?? this.#settings.OLLAMA_MODEL;
    if (provider !== undefined && sole !== undefined) {
      const isSole = model === undefined || model === this.#settings.OLLAMA_MODEL || isSameTaggedModel(model, sole.id);
      return isSole ? { provider, model: sole.id } : undefined;
    }
    const isAlias = this.#settings.MODEL_ALIASES.has(name);
    // The server itself rejects an unknown name. Reading its list first would cost a round trip.
    const isListRead = this.servers.areSeveral || overrides?.hasRules === true;
    if (model !== undefined && !isAlias && provider !== undefined && !isListRead) return { provider, model };
    return this.#snapshot && this.#resolveIn(this.#snapshot, model);
  }

  async resolve(model: string | undefined): Promise<ResolvedModel> {
    const active = this.#active ?? (await this.#probe());
    const known = this.resolveKnown(model);
    if (known !== undefined) return known;
    if (model !== undefined && modelOverrides().isHidden(model))
      throw new AppError('model_not_found', `Model ${model} is not available. GET /api/models lists what is there.`);
    const sole = active[0]?.servers[0]?.provider.soleModel;
    if (sole !== undefined && model !== undefined) throw sole.notFound(model);
    const snapshot = this.#snapshot ?? (await this.#read(this.#closing.signal));
    const found = this.#resolveIn(snapshot, model);
    if (found !== undefined) return found;
    if (this.#timers.now() - snapshot.readAt >= UNKNOWN_MODEL_REFRESH_MS) {
      const newer = this.#resolveIn(await this.#read(this.#closing.signal), model);
      if (newer !== undefined) return newer;
    }
    // An unreachable provider may have the model.
    const [error] = (this.#snapshot ?? snapshot).errors;
    if (error !== undefined) throw error;
    const name = model ?? this.#settings.OLLAMA_MODEL;
    throw unknownModel(name, active);
  }

  isKnown(model: string): boolean {
    const { OLLAMA_MODEL: name, MODEL_ALIASES: aliases } = this.#settings;
    if (model === name || aliases.values().some((targets) => targets.some((target) => target.model === model)))
      return true;
    if (this.servers.all.some(({ provider }) => provider.soleModel?.id === model)) return true;
    return this.#snapshot !== undefined && findListed(this.#snapshot, model) !== undefined;
  }

  async providers(): Promise<readonly ModelProvider[]> {
    if (this.#active === undefined) await this.#probe();
    this.#refreshInBackground();
    return this.servers.all.map(({ provider }) => provider);
  }

  async list(signal: AbortSignal): Promise<Models> {
    const all = await this.listAll(signal);
    const overrides = modelOverrides();
    return { ...all, models: all.models.filter(({ id }) => !overrides.isHidden(id)) };
  }

  async listAll(signal: AbortSignal): Promise<Models> {
    if (this.#active === undefined || this.#isProbeOutdated()) await this.#probe();
    const snapshot = await this.#read(signal);
    const active = this.#active ?? [];
    const sole = active[0]?.servers[0]?.provider.soleModel;
    const chosen = sole === undefined ? this.#findOrDefault(snapshot) : snapshot.models[0];
    const { MODEL_ALIASES: aliases, OLLAMA_MODEL: defaultName } = this.#settings;
    const listed = snapshot.models.map((model) => ({
      ...model.info,
      servers: model.servers.map(({ name }) => name),
    }));
    const named = sole === undefined ? aliasModels(aliases, listed) : [];
    const defaultId = named.find(({ id }) => id === defaultName)?.id ?? chosen?.info.id ?? sole?.id ?? defaultName;
    const models = [...named, ...listed.filter(({ id }) => !named.some((alias) => alias.id === id))];
    return {
      models: models.map((model) => ({ ...model, is_default: model.id === defaultId, ...changedInfo(model) })),
      default_model: defaultId,
      providers: snapshot.states,
      has_system_prompt: (this.#settings.OLLAMA_SYSTEM_PROMPT ?? '') !== '',
      notice: noModelNotice(snapshot) ?? sole?.notice ?? this.#defaultNotice(active, snapshot, chosen?.info.id),
    };
  }

  async check(signal: AbortSignal): Promise<{ down: number; total: number }> {
    if (this.#active === undefined) await this.#probe();
    const results = await this.servers.check(signal);
    const failed = results.filter(({ error }) => error !== undefined);
    if (failed.length === results.length && failed[0] !== undefined) throw failed[0].error;
    return { down: failed.length, total: results.length };
  }

  async close(): Promise<void> {
    this.#closing.abort(new AppError('shutting_down', 'The server is shutting down.'));
    this.servers.close();
    const servers = this.#registered.flatMap((registered) => registered.servers);
    await Promise.all(servers.map(({ provider }) => provider.close()));
  }

  get #fallback(): RegisteredProvider[] {
    return this.#registered.slice(-1);
  }

  #activate(active: RegisteredProvider[]): void {
    this.#active = active;
    this.servers.use(active.flatMap(({ servers }) => servers));
  }

  /** Only a probe that chose the fallback can choose differently later. */
  #isProbeOutdated(): boolean {
    return (
      this.#configured === undefined &&
      this.#active?.[0] === this.#fallback[0] &&
      this.#timers.now() - this.#probedAt >= REFRESH_AFTER_MS
    );
  }

  #refreshInBackground(): void {
    if (this.#isProbeOutdated()) void this.#probe();
    // Once OLLAMA_MODEL is available, it replaces the substitute for it.
    const snapshot = this.#snapshot;
    if (snapshot === undefined || this.#timers.now() - snapshot.readAt < REFRESH_AFTER_MS) return;
    const { OLLAMA_MODEL: name, MODEL_ALIASES: aliases } = this.#settings;
    if (!aliases.has(name) && findListed(snapshot, name) === undefined) void this.#read(this.#closing.signal);
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
      if (active[0] !== this.#active?.[0]) {
        this.#snapshot = undefined;
        this.#activate(active);
      }
      this.#probedAt = this.#timers.now();
      this.#probing = undefined;
      return active;
    })();
    return this.#probing;
  }

  /** Reads the lists of all servers. Single-flight; rejects only if `signal` aborted. */
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
    const readAt = this.#timers.now();
    const failures = new Map<ModelServer, unknown>();
    for (const listing of await this.servers.list())
      if ('error' in listing) failures.set(listing.server, listing.error);
    const snapshot = this.#snapshotOf(readAt, active, failures);
    this.#reportVersions(snapshot);
    if (this.#active === active) this.#snapshot = snapshot;
    return snapshot;
  }

  /** Logs each model once whose servers have different versions of it: responses are shared. */
  #reportVersions({ models }: ModelSnapshot): void {
    for (const { info, servers } of models) {
      if (info.versions_differ !== true || this.#reportedVersions.has(info.id)) continue;
      if (this.#reportedVersions.size < MAX_RESOLVED) this.#reportedVersions.add(info.id);
      const names = servers.map(({ name }) => name);
      log().warn({ model: info.id, model_servers: names }, 'model servers have different versions of a model');
    }
  }

  /** What the servers have listed. The models of a server that failed are not available. */
  #snapshotOf(
    readAt: number,
    active: readonly RegisteredProvider[] = this.#active ?? [],
    failures?: ReadonlyMap<ModelServer, unknown>,
  ): ModelSnapshot {
    const snapshot: ModelSnapshot = {
      models: [],
      states: [],
      errors: [],
      readAt,
      resolved: new Map(),
      defaultsVersion: requestDefaultsVersion(),
    };
    for (const { definition, servers } of active) {
      const failed = servers.flatMap((server) => {
        const failure = failures === undefined ? (server.isUp ? undefined : server.error) : failures.get(server);
        return failure === undefined ? [] : [{ server, error: listError(definition, failure) }];
      });
      const responding = servers.filter((server) => !failed.some((failure) => failure.server === server));
      snapshot.errors.push(...failed.map(({ error }) => error));
      if (responding.length > 0)
        snapshot.states.push({
          id: definition.id,
          reachable: true,
          error: null,
          options: supportedOptions(definition.id),
          ...(definition.optionDefaults === undefined ? {} : { defaults: definition.optionDefaults(this.#settings) }),
        });
      else if (failed[0] !== undefined)
        snapshot.states.push({ id: definition.id, reachable: false, error: failed[0].error.message });
      snapshot.models.push(...listedModels(responding, definition.hasTags));
    }
    return snapshot;
  }

  /** Undefined if no server lists the model. */
  #resolveIn(snapshot: ModelSnapshot, model: string | undefined): ResolvedModel | undefined {
    const name = model ?? this.#settings.OLLAMA_MODEL;
    const alias = this.#settings.MODEL_ALIASES.get(name);
    // Which entry is the first that is up changes from one request to the next.
    if (alias !== undefined)
      return resolveAlias(name, alias, this.servers.all, (target) => this.#serversOf(snapshot, target));
    const version = requestDefaultsVersion();
    if (snapshot.defaultsVersion !== version) {
      snapshot.resolved.clear();
      snapshot.defaultsVersion = version;
    }
    let resolved = snapshot.resolved.get(model);
    if (resolved === undefined) {
      const found = this.#findOrDefault(snapshot, model);
      const provider = found?.servers[0]?.provider;
      if (found === undefined || provider === undefined) return undefined;
      const { id } = found.info;
      const targets = this.servers.areSeveral ? [{ model: id, servers: this.#serversOfKind(provider.id) }] : undefined;
      resolved = { provider, model: id, targets };
      if (snapshot.resolved.size < MAX_RESOLVED) snapshot.resolved.set(model, resolved);
    }
    return resolved;
  }

  /** The model with the servers that may have it. */
  #serversOf(snapshot: ModelSnapshot, name: string): { model: string; servers: readonly ModelServer[] } | undefined {
    const found = findListed(snapshot, name);
    const kind = found?.servers[0]?.kind;
    if (found !== undefined && kind !== undefined) return { model: found.info.id, servers: this.#serversOfKind(kind) };
    const all = this.servers.all;
    // A server whose list is not known may have it; the only one rejects it itself.
    const possible = this.servers.areSeveral ? all.find((server) => server.models === undefined) : all[0];
    return possible === undefined ? undefined : { model: name, servers: this.#serversOfKind(possible.kind) };
  }

  #serversOfKind(kind: ProviderId): readonly ModelServer[] {
    return this.servers.all.filter((server) => server.kind === kind);
  }

  /** Without a name: OLLAMA_MODEL, else a loaded or the first model, one for everyone if any is. */
  #findOrDefault(snapshot: ModelSnapshot, model?: string): SnapshotModel | undefined {
    if (model !== undefined) return findListed(snapshot, model);
    const overrides = modelOverrides();
    const shown = snapshot.models.filter(({ info }) => !overrides.isHidden(info.id));
    const forEveryone = shown.filter(({ info }) => overrides.accessOf(info.id) === undefined);
    const models = forEveryone.length > 0 ? forEveryone : shown;
    return findListed(snapshot, this.#settings.OLLAMA_MODEL) ?? models.find(({ info }) => info.loaded) ?? models[0];
  }

  #defaultNotice(active: RegisteredProvider[], snapshot: ModelSnapshot, chosen: string | undefined): string | null {
    const name = this.#settings.OLLAMA_MODEL;
    if (findListed(snapshot, name) !== undefined || this.#settings.MODEL_ALIASES.has(name)) return null;
    for (const { definition } of active)
      if (snapshot.states.some(({ id, reachable }) => id === definition.id && reachable)) {
        const notice = definition.missingDefaultNotice?.(name, chosen);
        if (notice !== undefined) return notice;
      }
    return null;
  }
}
