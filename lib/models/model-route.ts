import type { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';

/** A model with the servers that may run it. All of them are of one kind. */
export interface RouteTarget {
  /** The servers' own name of the model. */
  readonly model: string;
  readonly servers: readonly ModelServer[];
}

/** What a model's name stands for. */
export interface ResolvedModel {
  /** A provider of the chosen kind. Which server runs a request is decided when it is queued. */
  readonly provider: ModelProvider;
  /** The provider's own name of the model. */
  readonly model: string;
  /** In the order in which they are tried; undefined if `provider` is the only choice. */
  readonly targets?: readonly RouteTarget[] | undefined;
  /** The name in MODEL_ALIASES, if it is one. */
  readonly alias?: string | undefined;
}
