import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import type { GenerationState } from '#lib/chat/generation/generation';
import type { GenerationLog } from '#lib/chat/generation/generation-log';
import type { AppError } from '#lib/errors';
import type { Principal } from '#lib/http/principal';
import type { Timings } from '#lib/wire/chat';

/** A request as the formats of responses see it. */
export interface RequestView {
  readonly id: string;
  /** Undefined if the response is made for no caller in particular. */
  readonly caller?: string;
  /** Of the generation that the request shares: ids of tool calls are derived from it. */
  readonly generationId: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly model: string;
  /** Whether the response comes from the cache. */
  readonly cached: boolean;
  readonly conversation: { readonly state: 'new' | 'continued' } | undefined;
  timings(): Timings;
}

/**
 * What readers need of a request and its response, present or future. It does not say where the
 * generation runs, and has nothing by which its owner schedules, shares or ends it.
 */
export interface ReadableRequest extends RequestView {
  readonly caller: string;
  /** Whose usage it is. */
  readonly principal: Principal | undefined;
  readonly state: GenerationState;
  /** The events of the response so far. */
  readonly log: GenerationLog;
  /** The complete response. */
  readonly response: CompletedResponse | undefined;
  /** The error with which the request ended. */
  readonly error: AppError | undefined;
  /** Set if this request alone was cancelled, while its generation may go on for others. */
  readonly cancellation: AppError | undefined;
  readonly startedAt: number | undefined;
  readonly firstTokenAt: number | undefined;
  readonly finishedAt: number | undefined;
  /** When the response was stored, if it is from the cache. */
  readonly storedAt: number | undefined;
  /** The model server that works on it or did so, if callers are shown which. */
  readonly serverName: string | undefined;
  /** Whether this server does it by itself because it does not reach Redis and the others. */
  readonly isDegraded: boolean;
  /** See `EventOffsets`: a run after a restart has other numbers than before. */
  readonly eventOffset: number;
  readonly endOffset: number;
  /**
   * Whether other servers have its events too, with the same numbers: a reader may have some that
   * are not in this log yet, or were lost with the server that had them.
   */
  readonly isShared: boolean;
  /** Whether the server stops, and the request goes on elsewhere or after a restart. */
  readonly isSuspended: boolean;
  /** The result was evicted while a reader was still at it; its readers are closed. */
  readonly isDropped: boolean;
  /** An error of the log as this request sees it. */
  ownError(error: AppError): AppError;
}
