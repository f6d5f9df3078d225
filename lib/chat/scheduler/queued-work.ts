import type { FinalEvent, GenerationRequest, GenerationState } from '#lib/chat/generation/generation';
import type { QueueItem } from '#lib/chat/scheduler/waiting-queue';
import type { ModelProvider } from '#lib/models/provider';

/** Work for a slot of a model server: a generation, or a task. */
export interface QueuedWork extends QueueItem {
  /** The model server's own name of the model. */
  readonly model: string;
  /** Measured run times are averaged per key. */
  readonly timingKey: string;
  /** Undefined for a replayed response. */
  readonly provider: ModelProvider | undefined;
  /** Memory of the request as objects. */
  readonly requestBytes: number;
  readonly state: GenerationState;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly tokens: number;
  /** Whether a caller other than its own waits for the result. */
  readonly isShared: boolean;
  /** The requests that wait for the result; undefined if it has no id that a caller knows. */
  readonly requests: ReadonlySet<GenerationRequest> | undefined;
  /** Moves the request out of the heap, and sets `bytes`. */
  pack(): void;
  start(now: number): void;
  /** Ends the work in this turn. The first end counts. */
  finish(event: Extract<FinalEvent, { type: 'error' }>): void;
  /** Frees what only the run needed. */
  dispose(): void;
}
