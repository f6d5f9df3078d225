import type { LogEvent } from '#lib/chat/generation/generation-log';
import type { Principal } from '#lib/http/principal';
import type { Allowance } from '#lib/http/request-limits';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { CancelledBy } from '#lib/wire/chat-queue';

export type GenerationState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** The event that ends a log. */
export type FinalEvent = Extract<LogEvent, { type: 'done' | 'error' }>;

/** A request as its generation sees it. */
export interface GenerationRequest {
  readonly id: string;
  readonly caller: string;
  readonly principal?: Principal | undefined;
  /** A detached request runs to its end without a reader. */
  readonly detached: boolean;
  readonly readers: ReadonlySet<unknown> | undefined;
  /** Who cancelled it, once it is cancelled. */
  readonly cancelledBy: CancelledBy;
}

/** The turn that a request of another server adds to a conversation. */
export interface TurnElsewhere {
  /** The id of the request; undefined if it was written by an older version. */
  readonly request?: string | undefined;
  readonly caller: string;
  /** Of the conversation. */
  readonly id: string;
  /** See `ConversationTurn`. */
  readonly addedMessages: number;
}

/** The input of a new generation. */
export interface GenerationInit {
  readonly id: string;
  readonly caller: string;
  readonly group: string;
  readonly model: string;
  readonly createdAt: number;
  readonly key: string | undefined;
  /** As `key`; undefined if it is the same. */
  readonly flightKey?: string | undefined;
  /** It was asked for although there may be a cached response, which it replaces. */
  readonly isNew?: boolean | undefined;
  readonly provider: ModelProvider;
  readonly targets?: readonly RouteTarget[] | undefined;
  readonly prefixKey?: string | undefined;
  readonly priority: number;
  /** The limits of its caller, which pays for the tokens; undefined without limits. */
  readonly allowance?: Allowance | undefined;
  /** Whether its caller was above its share, which lowered `priority`. */
  readonly isBehind?: boolean;
  readonly request: ModelRequest;
  readonly requestBytes: number;
  /**
   * Turns of conversations that requests of other servers add. The server that works on the
   * generation stores them, because those servers may be lost.
   */
  readonly turnsElsewhere?: readonly TurnElsewhere[] | undefined;
}
