import { EngineCore, noSuchRequest } from '#lib/chat/engine-core';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import { isOwnRequest, mayControl, type RequestOwner } from '#lib/chat/request-access';
import { queueOverview } from '#lib/chat/scheduler/queue-overview';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import { authMode } from '#lib/config/auth-mode';
import { AppError } from '#lib/errors';
import { hasRight, type Principal } from '#lib/http/principal';
import type { CancelledBy, QueueOverview } from '#lib/wire/chat-queue';

export type { ChatEngineOptions, SharedChat } from '#lib/chat/engine-core';

/**
 * The path of a chat request: response cache, single flight, queue with batches, model. The steps
 * are those of `RequestAdmission`; this class is what the rest of the app sees of them.
 */
export class ChatEngine extends EngineCore {
  /** The request with this id. Throws `not_found`. */
  find(id: string, caller: string): PendingRequest {
    const request = this.findHere(id, caller);
    if (request === undefined) throw noSuchRequest();
    return request;
  }

  /** Cancels an own request that waits or runs. Throws `not_found`, or `already_finished`. */
  cancel(id: string, caller: string, by: CancelledBy = 'user'): void {
    this.#cancel(this.find(id, caller), by);
  }

  /**
   * Cancels a request that `principal` may control. Its own is cancelled by `by`, that of another
   * caller by the operator. Returns the owner if that is another caller. Throws as `cancel`, also
   * for a request that it may not control.
   */
  cancelAs(id: string, principal: Principal, by: CancelledBy): RequestOwner | undefined {
    const request = this.parts.inFlight.find(id);
    if (request === undefined || !mayControl(request, principal, this.parts.settings)) throw noSuchRequest();
    const isOwn = isOwnRequest(request, principal, this.parts.settings);
    this.#cancel(request, isOwn ? by : 'operator');
    return isOwn ? undefined : request;
  }

  protected override cancelRequest(request: PendingRequest, by: CancelledBy): void {
    this.#cancel(request, by);
  }

  #cancel(request: PendingRequest, by: CancelledBy): void {
    if (request.finishedAt !== undefined)
      throw new AppError('already_finished', `This request has already ended (${request.state}).`);
    this.parts.counts.countEnd('cancelled');
    this.parts.inFlight.cancel(request, by);
  }

  /** The place of a request in the queue. */
  queueStatus(request: PendingRequest): QueueStanding {
    return this.standing(request);
  }

  /** Like `queueStatus`: all requests are in this process. */
  queueStatusHere(request: PendingRequest): QueueStanding {
    return this.queueStatus(request);
  }

  /** The queue as `principal` sees it: with the ids of what it may control. */
  overview(principal: Principal): QueueOverview {
    const { clock, settings } = this.parts;
    return queueOverview(this.parts.scheduler.view, settings, clock.now(), {
      mayControl: (owner) => mayControl(owner, principal, settings),
      seesCallers: authMode(settings) !== 'none' && hasRight(principal, 'group-admin'),
    });
  }
}
