import { isSameTaggedModel } from '#lib/models/model-name';
import { singleton } from '#lib/singletons';
import type { ModelOptions } from '#lib/wire/chat';
import type { ModelAccess } from '#lib/wire/people-admin';

/** What administrators changed of a model. */
export interface ModelOverride {
  /** Not listed, and refused by name. */
  readonly hidden?: boolean;
  /** Shown to people instead of its name. */
  readonly displayName?: string;
  /** For requests that bring no system prompt, instead of OLLAMA_SYSTEM_PROMPT. */
  readonly systemPrompt?: string;
  /** Options of requests that do not set them, by Ollama's names. */
  readonly parameters?: ModelOptions;
  /** Absent if everyone may use it. */
  readonly access?: ModelAccess;
}

/** What a request gets that leaves it out. */
export type ModelDefaults = Pick<ModelOverride, 'systemPrompt' | 'parameters'>;

const NO_DEFAULTS: ModelDefaults = {};

/** The changed models of this process, in memory. Most servers have none. */
export class ModelOverrides {
  readonly #byModel = new Map<string, ModelOverride>();
  #accessRules: readonly ModelAccess[] = [];
  #hasHidden = false;

  /** By the name with or without the tag `latest`. */
  get(model: string): ModelOverride | undefined {
    if (this.#byModel.size === 0) return undefined;
    const exact = this.#byModel.get(model);
    if (exact !== undefined) return exact;
    for (const [name, override] of this.#byModel) if (isSameTaggedModel(name, model)) return override;
    return undefined;
  }

  get models(): string[] {
    return [...this.#byModel.keys()];
  }

  set(model: string, override: ModelOverride): void {
    if (Object.keys(override).length === 0) this.#byModel.delete(model);
    else this.#byModel.set(model, override);
    const all = [...this.#byModel.values()];
    this.#accessRules = all.flatMap(({ access }) => access ?? []);
    this.#hasHidden = all.some(({ hidden }) => hidden === true);
  }

  /** Whether a request that names the model is refused. */
  isHidden(name: string): boolean {
    return this.#hasHidden && this.get(name)?.hidden === true;
  }

  /** Who may use a model; undefined is everyone. */
  accessOf(name: string): ModelAccess | undefined {
    return this.#accessRules.length === 0 ? undefined : this.get(name)?.access;
  }

  get accessRules(): readonly ModelAccess[] {
    return this.#accessRules;
  }

  /**
   * Whether a model is hidden, or kept for some. A model server may know more names of a model than
   * it lists, so only listed names are accepted then.
   */
  get hasRules(): boolean {
    return this.#hasHidden || this.#accessRules.length > 0;
  }

  /** The defaults of a model. Those of an alias stand before those of its model. */
  defaultsOf({ model, alias }: { readonly model: string; readonly alias?: string | undefined }): ModelDefaults {
    if (this.#byModel.size === 0) return NO_DEFAULTS;
    const own = this.get(model) ?? NO_DEFAULTS;
    const ofAlias = (alias === undefined ? undefined : this.get(alias)) ?? NO_DEFAULTS;
    const systemPrompt = ofAlias.systemPrompt ?? own.systemPrompt;
    const parameters = ofAlias.parameters === undefined ? own.parameters : { ...own.parameters, ...ofAlias.parameters };
    return {
      ...(systemPrompt === undefined ? {} : { systemPrompt }),
      ...(parameters === undefined ? {} : { parameters }),
    };
  }
}

export function modelOverrides(): ModelOverrides {
  return singleton('models.overrides', () => new ModelOverrides());
}
