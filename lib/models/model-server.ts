import { hash } from 'node:crypto';
import { AppError } from '#lib/errors';
import { isSameTaggedModel } from '#lib/models/model-name';
import type { ModelProvider } from '#lib/models/provider';
import type { ModelInfo, ProviderId } from '#lib/wire/models';

/** A model as its server lists it. */
export type ServerModel = Omit<ModelInfo, 'is_default'>;

export interface ModelServerInit {
  readonly provider: ModelProvider;
  readonly name: string;
  /** Whether the operator chose the name. */
  readonly isNamed: boolean;
  /** May hold credentials. */
  readonly url: string;
  readonly slots: number;
  readonly weight: number;
  readonly hasTags: boolean;
}

/** One model server: its settings, and what is known of it. `ModelServers` keeps it current. */
export class ModelServer {
  /** The first 8 hexadecimal digits of the SHA-256 over provider and address. */
  readonly id: string;
  readonly name: string;
  /** Whether callers see its name: it was chosen for them, or there are several servers. */
  isNameShown: boolean;
  /** Without credentials. */
  readonly address: string;
  readonly slots: number;
  readonly weight: number;
  readonly provider: ModelProvider;
  readonly #hasTags: boolean;
  #models: ReadonlyMap<string, ServerModel> | undefined;
  #loaded = new Set<string>();
  /** When it was last found to be down; undefined while it is up. */
  downSince: number | undefined;
  /** The failure that was seen last; undefined once the server has responded. */
  error: AppError | undefined;

  constructor({ provider, name, isNamed, url, slots, weight, hasTags }: ModelServerInit) {
    this.provider = provider;
    this.name = name;
    this.isNameShown = isNamed;
    this.address = withoutCredentials(url);
    this.id = hash('sha256', `${provider.id}\n${this.address}`, 'hex').slice(0, 8);
    this.slots = slots;
    this.weight = weight;
    this.#hasTags = hasTags;
  }

  get kind(): ProviderId {
    return this.provider.id;
  }

  get isUp(): boolean {
    return this.downSince === undefined;
  }

  /** What it listed last; undefined before the first list. */
  get models(): readonly ServerModel[] | undefined {
    return this.#models && [...this.#models.values()];
  }

  /** Names of the loaded models. */
  get loaded(): string[] {
    return [...this.#loaded];
  }

  setModels(models: readonly ServerModel[]): void {
    this.#models = new Map(models.map((model) => [model.id, model]));
    this.#loaded = new Set(models.filter(({ loaded }) => loaded).map(({ id }) => id));
  }

  /** Notes that a model is loaded, before the next list says so. */
  setLoaded(model: string): void {
    this.#loaded.add(this.find(model)?.id ?? model);
  }

  /** Undefined if it is not known. */
  has(model: string): boolean | undefined {
    return this.#models === undefined ? undefined : this.find(model) !== undefined;
  }

  isLoaded(model: string): boolean {
    return this.#loaded.has(model) || this.#loaded.has(this.find(model)?.id ?? model);
  }

  /** The model that the server lists under `name`. */
  find(name: string): ServerModel | undefined {
    const exact = this.#models?.get(name);
    if (exact !== undefined || !this.#hasTags || this.#models === undefined) return exact;
    for (const [id, model] of this.#models) if (isSameTaggedModel(id, name)) return model;
    return undefined;
  }
}

/** The server of this name. Throws `not_found` with the names that there are. */
export function serverNamed(servers: readonly ModelServer[], name: string): ModelServer {
  const found = servers.find((server) => server.name === name);
  if (found !== undefined) return found;
  const names = servers.map((server) => server.name).join(', ');
  throw new AppError('not_found', `There is no model server ${name}. Model servers: ${names || 'none'}.`);
}

function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url;
  const { protocol, host, pathname } = new URL(url);
  return host === '' ? url : `${protocol}//${host}${pathname.replace(/\/+$/, '')}`;
}
