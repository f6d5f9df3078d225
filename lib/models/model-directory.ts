import { type Config, config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { EmbeddedProvider } from '#lib/models/embedded/provider';
import { OllamaProvider, probeOllama } from '#lib/models/ollama/provider';
import { OpenAiProvider } from '#lib/models/openai/provider';
import type { ModelProvider } from '#lib/models/provider';
import { onShutdown } from '#lib/shutdown';
import { singleton } from '#lib/singletons';
import type { ModelInfo, Models, ProviderState } from '#lib/wire/models';

/** Which providers there are, and which of them answers for a model. */
export interface ModelDirectory {
  /**
   * The provider for `model`, and the name by which that provider knows it; undefined is the default model.
   * Throws `model_not_found`. Does no I/O once the providers and their models are known.
   */
  resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }>;
  /** What there is to choose. A provider that is not reached is told in `providers`, and not thrown. */
  list(signal: AbortSignal): Promise<Models>;
  /** Resolves when every provider in force answers; throws the first one's fault. */
  check(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface ModelDirectoryOptions {
  settings: Config;
  ollama: ModelProvider;
  openai: ModelProvider | undefined;
  embedded: ModelProvider & { readonly model: string };
  /** Whether an Ollama answers on its usual port. */
  probe(signal: AbortSignal): Promise<boolean>;
  now(): number;
}

/** A decision or a list that may be out of date is looked at again after so long, beside the requests. */
const REFRESH_AFTER_MS = 15_000;
/** A name that no list has makes the lists be read again, at most so often. */
const UNKNOWN_MODEL_REFRESH_MS = 2_000;
const PROBE_TIMEOUT_MS = 1_500;
const LIST_TIMEOUT_MS = 5_000;

/** The process's models. Opens nothing before it is asked. */
export function modelDirectory(): ModelDirectory {
  return singleton('models', () => {
    const settings = config();
    const url = settings.OLLAMA_API_URL ?? 'http://localhost:11434';
    const directory = createModelDirectory({
      settings,
      ollama: new OllamaProvider({ url, keepAlive: settings.OLLAMA_KEEP_ALIVE }),
      openai:
        settings.OPENAI_BASE_URL === undefined
          ? undefined
          : new OpenAiProvider({ url: settings.OPENAI_BASE_URL, key: settings.OPENAI_API_KEY }),
      embedded: new EmbeddedProvider(settings),
      probe: (signal) => probeOllama(url, signal),
      now: Date.now,
    });
    onShutdown(() => directory.close());
    return directory;
  });
}

export function createModelDirectory(parts: ModelDirectoryOptions): ModelDirectory {
  return new CachedModelDirectory(parts);
}

/** What the last look at the providers told. */
interface ModelSnapshot {
  models: { info: Omit<ModelInfo, 'is_default'>; provider: ModelProvider }[];
  states: ProviderState[];
  faults: AppError[];
  at: number;
}

class CachedModelDirectory implements ModelDirectory {
  readonly #parts: ModelDirectoryOptions;
  /** In force; undefined until it is decided. */
  #active: ModelProvider[] | undefined;
  #decidedAt = 0;
  #deciding: Promise<ModelProvider[]> | undefined;
  #known: ModelSnapshot | undefined;
  #looking: Promise<ModelSnapshot> | undefined;
  readonly #closing = new AbortController();

  constructor(parts: ModelDirectoryOptions) {
    this.#parts = parts;
    this.#active = configuredProviders(parts);
  }

  async resolve(model: string | undefined): Promise<{ provider: ModelProvider; model: string }> {
    const active = this.#active ?? (await this.#decide());
    this.#lookAgainBeside();
    const [only] = active;
    const { embedded, settings } = this.#parts;
    if (only === embedded) {
      if (model === undefined || model === settings.OLLAMA_MODEL || isSameModel(model, embedded.model))
        return { provider: embedded, model: embedded.model };
      throw new AppError(
        'model_not_found',
        `There is no model ${model} here: the built-in ${embedded.model} is the only one. ${HOW_TO_GET_A_BETTER_ONE}`,
      );
    }
    // One provider knows best which of its models there are; asking it first would cost a round trip.
    if (model !== undefined && active.length === 1 && only !== undefined) return { provider: only, model };
    let known = this.#known ?? (await this.#look(this.#closing.signal));
    let found = model === undefined ? defaultModelOf(known, settings) : findInSnapshot(known, model);
    if (found === undefined && this.#parts.now() - known.at >= UNKNOWN_MODEL_REFRESH_MS) {
      known = await this.#look(this.#closing.signal);
      found = model === undefined ? defaultModelOf(known, settings) : findInSnapshot(known, model);
    }
    if (found !== undefined) return { provider: found.provider, model: found.info.id };
    // It may be on the one that is not reached.
    const [fault] = known.faults;
    if (fault !== undefined) throw fault;
    const name = model ?? settings.OLLAMA_MODEL;
    throw new AppError('model_not_found', `There is no model ${name}. ${howToGet(name, active)}`);
  }

  async list(signal: AbortSignal): Promise<Models> {
    if (this.#active === undefined || this.#isOutdatedDecision()) await this.#decide();
    const known = await this.#look(signal);
    const { embedded, settings } = this.#parts;
    const onlyEmbedded = this.#active?.[0] === embedded;
    const chosen = onlyEmbedded ? known.models[0] : defaultModelOf(known, settings);
    const defaultModel = chosen?.info.id ?? (onlyEmbedded ? embedded.model : settings.OLLAMA_MODEL);
    return {
      models: known.models.map((model) => ({ ...model.info, is_default: model === chosen })),
      default_model: defaultModel,
      providers: known.states,
      notice:
        noModelNotice(known) ??
        (onlyEmbedded ? builtInNotice(embedded.model) : defaultNotice(known, settings, chosen?.info.id)),
    };
  }

  async check(signal: AbortSignal): Promise<void> {
    const active = this.#active ?? (await this.#decide());
    await Promise.all(active.map((provider) => provider.check(signal)));
  }

  async close(): Promise<void> {
    this.#closing.abort(new AppError('shutting_down', 'The server is shutting down.'));
    const { ollama, openai, embedded } = this.#parts;
    await Promise.all([ollama.close(), openai?.close(), embedded.close()]);
  }

  /** Only the choice between Ollama's usual port and the built-in model can turn out otherwise later. */
  #isOutdatedDecision(): boolean {
    return (
      this.#active?.[0] === this.#parts.embedded &&
      configuredProviders(this.#parts) === undefined &&
      this.#parts.now() - this.#decidedAt >= REFRESH_AFTER_MS
    );
  }

  #lookAgainBeside(): void {
    if (this.#isOutdatedDecision()) void this.#decide();
    // A substitute for the default model gives way when the default one has been pulled.
    const known = this.#known;
    if (known === undefined || this.#parts.now() - known.at < REFRESH_AFTER_MS) return;
    if (findInSnapshot(known, this.#parts.settings.OLLAMA_MODEL) === undefined) void this.#look(this.#closing.signal);
  }

  /** One probe at a time, whoever asks. Never rejects. */
  #decide(): Promise<ModelProvider[]> {
    this.#deciding ??= (async () => {
      const { ollama, embedded, probe, now } = this.#parts;
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]);
      const answers = await probe(signal).catch(() => false);
      const active = [answers ? ollama : embedded];
      if (active[0] !== this.#active?.[0]) this.#known = undefined;
      this.#active = active;
      this.#decidedAt = now();
      this.#deciding = undefined;
      return active;
    })();
    return this.#deciding;
  }

  /** Reads every provider's list, once for all who ask meanwhile. Rejects only where `signal` aborted. */
  async #look(signal: AbortSignal): Promise<ModelSnapshot> {
    this.#looking ??= this.#readLists().finally(() => {
      this.#looking = undefined;
    });
    const known = await this.#looking;
    signal.throwIfAborted();
    return known;
  }

  async #readLists(): Promise<ModelSnapshot> {
    const active = this.#active ?? (await this.#decide());
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(LIST_TIMEOUT_MS)]);
    const known: ModelSnapshot = { models: [], states: [], faults: [], at: this.#parts.now() };
    const lists = await Promise.allSettled(active.map((provider) => provider.models(signal)));
    for (const [index, list] of lists.entries()) {
      const provider = active[index];
      if (provider === undefined) continue;
      if (list.status === 'fulfilled') {
        known.states.push({ id: provider.id, reachable: true, error: null });
        known.models.push(...list.value.map((info) => ({ info, provider })));
      } else {
        const fault = AppError.is(list.reason)
          ? list.reason
          : new AppError('provider_unavailable', `${PROVIDER_NAMES[provider.id]} did not list its models in time.`, {
              cause: list.reason,
            });
        known.states.push({ id: provider.id, reachable: false, error: fault.message });
        known.faults.push(fault);
      }
    }
    if (this.#active === active) this.#known = known;
    return known;
  }
}

const PROVIDER_NAMES = { ollama: 'Ollama', openai: 'The model server', embedded: 'The built-in model' } as const;

const HOW_TO_GET_A_BETTER_ONE =
  'For a better one install Ollama and run `ollama pull deepseek-r1:8b`, or set OPENAI_BASE_URL.';

/** The providers that the settings name, or undefined where it takes a look at Ollama's usual port (SPEC §2.5). */
function configuredProviders({
  settings,
  ollama,
  openai,
  embedded,
}: ModelDirectoryOptions): ModelProvider[] | undefined {
  const { MODEL_PROVIDER: wanted, given } = settings;
  if (wanted === 'embedded') return [embedded];
  if (wanted === 'ollama') return [ollama];
  if (wanted === 'openai') return openai === undefined ? [] : [openai];
  const set = [
    ...(given.has('OLLAMA_API_URL') ? [ollama] : []),
    ...(given.has('OPENAI_BASE_URL') && openai !== undefined ? [openai] : []),
  ];
  return set.length === 0 ? undefined : set;
}

/** Ollama's `llama3` is `llama3:latest`. */
function isSameModel(a: string, b: string): boolean {
  const full = (name: string) => (name.includes(':') ? name : `${name}:latest`);
  return a === b || full(a) === full(b);
}

/** The model of a list that a caller means by `name`, by the same rule as `resolve`. */
export function findModel<T extends Pick<ModelInfo, 'id' | 'provider'>>(models: readonly T[], name: string) {
  return (
    models.find(({ id }) => id === name) ??
    models.find(({ id, provider }) => provider !== 'openai' && isSameModel(id, name))
  );
}

function findInSnapshot(known: ModelSnapshot, model: string) {
  return (
    known.models.find(({ info }) => info.id === model) ??
    known.models.find(({ info }) => info.provider === 'ollama' && isSameModel(info.id, model))
  );
}

/** OLLAMA_MODEL where it is there; else one that is loaded, else the first, so that a request that names none is answered. */
function defaultModelOf(known: ModelSnapshot, settings: Config) {
  return (
    findInSnapshot(known, settings.OLLAMA_MODEL) ?? known.models.find(({ info }) => info.loaded) ?? known.models[0]
  );
}

function howToGet(model: string, active: ModelProvider[]): string {
  return active.some(({ id }) => id === 'ollama')
    ? `Get it with \`ollama pull ${model}\`; GET /api/models lists what is there.`
    : 'GET /api/models lists what is there.';
}

/** Where no provider that answers has a model: why, and what to do. */
function noModelNotice({ models, faults: [fault] }: ModelSnapshot): string | undefined {
  return models.length === 0 && fault !== undefined ? `No model answers. ${fault.message}` : undefined;
}

function builtInNotice(model: string): string {
  return `The small built-in model ${model} answers, which often errs. ${HOW_TO_GET_A_BETTER_ONE}`;
}

function defaultNotice(known: ModelSnapshot, settings: Config, chosen: string | undefined): string | null {
  const ollama = known.states.find(({ id, reachable }) => id === 'ollama' && reachable);
  const wanted = settings.OLLAMA_MODEL;
  // Where only a model server is on, its first model is the default unless the operator named one.
  if (ollama === undefined || findInSnapshot(known, wanted) !== undefined) return null;
  return chosen === undefined
    ? `Ollama has no model yet. Get one with \`ollama pull ${wanted}\`.`
    : `The default model ${wanted} is not pulled, so ${chosen} answers. Get it with \`ollama pull ${wanted}\`.`;
}
