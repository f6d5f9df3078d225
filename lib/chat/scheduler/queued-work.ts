import type { FinalEvent, GenerationRequest, GenerationState } from '#lib/chat/generation/generation';
import type { QueueItem } from '#lib/chat/scheduler/waiting-queue';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';

/** Work for a slot of a model server: a generation, or a task. */
export interface QueuedWork extends QueueItem {
  readonly createdAt: number;
  /** The model server's own name of the model. */
  readonly model: string;
  /** Measured run times are averaged per key. */
  readonly timingKey: string;
  /** Undefined for a replayed response. */
  readonly provider: ModelProvider | undefined;
  /** Where it may run, in the order of preference; undefined if `provider` is the only choice. */
  readonly targets: readonly RouteTarget[] | undefined;
  /** The server that works on it, or did so last. */
  server: ModelServer | undefined;
  /** The servers that failed it, for its current target. */
  tried: Set<ModelServer> | undefined;
  /** Memory of the request as objects. */
  readonly requestBytes: number;
  readonly state: GenerationState;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly tokens: number;
  /** Whether a caller other than its own waits for the result. */
  readonly isShared: boolean;
  /** Whether it waits behind others because its caller was above its share. */
  readonly isBehind: boolean;
  /** Whether it can run again: no part of a result has reached its caller. */
  readonly isRepeatable: boolean;
  /** The requests that wait for the result; undefined if it has no id that a caller knows. */
  readonly requests: ReadonlySet<GenerationRequest> | undefined;
  /** Of the conversation up to the last response; undefined if it is not known. */
  readonly prefixKey: string | undefined;
  /** Moves the request out of the heap, and sets `bytes`. */
  pack(): void;
  start(now: number, server: ModelServer): void;
  /** Undoes `start`, so that it can wait or start again. */
  requeue(): void;
  /** Whether a provider can do it. */
  suits(provider: ModelProvider): boolean;
  /** Chooses one of its later targets. */
  retarget(target: RouteTarget, provider: ModelProvider): void;
  /** Ends the work in this turn. The first end counts. */
  finish(event: Extract<FinalEvent, { type: 'error' }>): void;
  /** Frees what only the run needed. */
  dispose(): void;
}
