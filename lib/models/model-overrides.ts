import { isSameTaggedModel } from '#lib/models/model-name';
import { singleton } from '#lib/singletons';

/** What administrators changed of a model. */
export interface ModelOverride {
  /** Not listed, and refused by name. */
  readonly hidden?: boolean;
  /** Shown to people instead of its name. */
  readonly displayName?: string;
  /** For requests that bring no system prompt, instead of OLLAMA_SYSTEM_PROMPT. */
  readonly systemPrompt?: string;
}

/** The changed models of this process, in memory. Most servers have none. */
export class ModelOverrides {
  readonly #byModel = new Map<string, ModelOverride>();

  get(model: string): ModelOverride | undefined {
    return this.#byModel.size === 0 ? undefined : this.#byModel.get(model);
  }

  set(model: string, override: ModelOverride): void {
    if (Object.keys(override).length === 0) this.#byModel.delete(model);
    else this.#byModel.set(model, override);
  }

  /** Whether a request that names the model is refused. */
  isHidden(name: string): boolean {
    if (this.#byModel.size === 0) return false;
    for (const [model, { hidden }] of this.#byModel) if (hidden === true && isSameTaggedModel(model, name)) return true;
    return false;
  }
}

export function modelOverrides(): ModelOverrides {
  return singleton('models.overrides', () => new ModelOverrides());
}
