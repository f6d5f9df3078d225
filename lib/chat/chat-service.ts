import type { Awaitable } from '#lib/chat/awaitable';
import type { ChatEngine } from '#lib/chat/chat-engine';
import type { AcceptedRequest } from '#lib/chat/generation/accepted-request';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import type { RequestOwner } from '#lib/chat/request-access';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { Settlement } from '#lib/chat/settlement';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import type { Principal } from '#lib/http/principal';
import type { ChatRequest } from '#lib/wire/chat';
import type { CancelledBy, QueueOverview } from '#lib/wire/chat-queue';
import type { ModelServerStats } from '#lib/wire/server-stats';

export type { Awaitable } from '#lib/chat/awaitable';

/**
 * What concerns requests of other instances too. The engine of one process does it at once; one
 * that shares its queue with other instances asks for it. See docs/decisions/0036-cluster.md.
 */
interface SharedOperations {
  /** See `RequestAdmission.submit`. */
  submit(request: ChatRequest, submitter: Submitter): Promise<AcceptedRequest>;
  /** See `RequestAdmission.submitKeyed`: what is cached here is served at once. */
  submitKeyed(keyed: KeyedRequest, submitter: Submitter): AcceptedRequest | undefined;
  /** See `RequestAdmission.enqueue`. */
  enqueue(request: ChatRequest, submitter: Submitter): Promise<AcceptedRequest>;
  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): Awaitable<ReadableRequest>;
  /** The request with this id, if this process has its events. */
  findHere(id: string, caller: string): ReadableRequest | undefined;
  /** Registers a reader of a request that this engine returned. Returns what removes it. */
  read(request: ReadableRequest, onChange: () => void): () => void;
  /** See `EngineCore.settled`. */
  settled(request: ReadableRequest): Settlement;
  /** See `ChatEngine.cancel`. */
  cancel(id: string, caller: string, by?: CancelledBy): Awaitable<void>;
  /** See `ChatEngine.cancelAs`. */
  cancelAs(id: string, principal: Principal, by: CancelledBy): Awaitable<RequestOwner | undefined>;
  /** The place of a request in the queue. */
  queueStatus(request: ReadableRequest): Awaitable<QueueStanding>;
  /** Like `queueStatus`, for a request that was submitted here, as known without asking. */
  queueStatusHere(request: ReadableRequest): QueueStanding;
  /** See `ChatEngine.overview`. */
  overview(principal: Principal): Awaitable<QueueOverview>;
  /** The model servers in use, with their work and their figures. */
  modelServers(): Awaitable<ModelServerStats[]>;
  /** The figures of /api/cache-stats. */
  stats(): Awaitable<ReturnType<ChatEngine['stats']>>;
  /** See `CacheAccess.clear`. */
  clearResponses(): Awaitable<ReturnType<ChatEngine['clearResponses']>>;
  /** Returns how many entries were removed. */
  clearConversations(): Awaitable<number>;
}

/** The chat engine as the rest of the app sees it. */
export interface ChatService extends Omit<ChatEngine, keyof SharedOperations>, SharedOperations {}
