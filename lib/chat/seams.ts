import type { Generation, GenerationContext } from '#lib/chat/generation/generation';
import type { TurnElsewhere } from '#lib/chat/generation/generation-types';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { Scheduler } from '#lib/chat/scheduler/scheduler';

/**
 * What several instances share of the chat engine. Each is implemented in this process by the class
 * that its type names, without a cost per request. docs/decisions/0036-cluster.md says by what each
 * is replaced where instances share a queue.
 */

/** Single flight: one unfinished generation for each key. */
export type Flights = Pick<InFlight, 'findLeader' | 'registerLeader'>;

/** Requests that are unfinished, or whose result is kept. */
export type Requests = Pick<
  InFlight,
  | 'isFull'
  | 'find'
  | 'unfinished'
  | 'hasUnsavedWork'
  | 'chooseId'
  | 'add'
  | 'addBegun'
  | 'restoreResult'
  | 'cancel'
  | 'cancelEnded'
  | 'requestsOf'
  | 'settle'
  | 'handleReader'
  | 'handleRead'
  | 'forget'
>;

/** What a request asks of other servers before it starts a generation. */
export interface ClaimRequest {
  /** Undefined if it may get any. */
  readonly id: string | undefined;
  /** Whether its client has chosen the id, so that another request may have it. */
  readonly isIdGiven: boolean;
  /** The key under which it joins a generation; undefined if it joins none. */
  readonly joinKey: string | undefined;
  /** The key under which others join its own; undefined if none may. */
  readonly ownKey: string | undefined;
  /** With which it waits if it starts a generation, unless its caller is above its share. */
  readonly priority: number;
}

export interface FlightClaim {
  /** The id of the request, which no other one has. */
  readonly id: string;
  /** The unfinished generation of another server, which is the leader of `joinKey` now. */
  readonly leader: Generation | undefined;
  /** Whether it took a while, in which the response may have come into the cache. */
  readonly isLate: boolean;
  /** Gives back the key, by a request that starts no generation. */
  release(): void;
}

/** Single flight over several servers, and ids that are those of one request among all of them. */
export interface SharedAdmission {
  /** What the generations of this engine call. */
  readonly hooks: Pick<GenerationContext, 'onUnwanted'>;
  /** Undefined if there is nothing to ask, or Redis is away. Never rejects. */
  claim(request: ClaimRequest): Promise<FlightClaim> | undefined;
  /** The request with this id on any server; undefined without one. Never rejects. */
  find(id: string): Promise<PendingRequest | undefined>;
  /** Those whose requests are not cancelled, as far as that is known. Never rejects. */
  turnsLeft(turns: readonly TurnElsewhere[]): Promise<readonly TurnElsewhere[]>;
}

/** How generations come into a line, as the parts see it that submit and end them. */
export type GenerationQueue = Pick<
  Scheduler,
  'ensureCapacity' | 'admit' | 'raisePriority' | 'watchPosition' | 'handleDone' | 'queueStatus'
>;

/** What is said of all lines and slots together. */
export type QueueFigures = Pick<
  Scheduler['view'],
  | 'queueLength'
  | 'waitingBytes'
  | 'runningCount'
  | 'isRunning'
  | 'running'
  | 'waiting'
  | 'tokens'
  | 'releasedBatches'
  | 'averageMs'
  | 'isAverageMeasured'
  | 'slots'
  | 'areServersSeveral'
  | 'laneOf'
  | 'usesOf'
>;

/** The rest of a scheduler. */
export type WorkQueue = GenerationQueue & { readonly view: QueueFigures } & Pick<
    Scheduler,
    'closed' | 'throwIfClosed' | 'reserve' | 'close'
  >;
