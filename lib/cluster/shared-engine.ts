import type { Awaitable } from '#lib/chat/awaitable';
import type { ChatEngineOptions } from '#lib/chat/chat-engine';
import type { ChatService } from '#lib/chat/chat-service';
import { type ChatChange, EngineCore, noSuchRequest, STOPPING, visibleTo } from '#lib/chat/engine-core';
import type { Generation } from '#lib/chat/generation/generation';
import { PendingRequest } from '#lib/chat/generation/pending-request';
import { isOwnRequest, mayControl, mayRead, type RequestOwner } from '#lib/chat/request-access';
import { type OverviewFigures, queueOverview } from '#lib/chat/scheduler/queue-overview';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { Submitter } from '#lib/chat/submitter';
import type { Ticket } from '#lib/cluster/run-format';
import { SharedModelLists } from '#lib/cluster/shared-model-lists';
import { SharedParts, type StartedLine } from '#lib/cluster/shared-parts';
import { SharedQueue } from '#lib/cluster/shared-queue';
import { admitted, elsewhere } from '#lib/cluster/shared-refusals';
import type { ClusterLink, SharedLineParts } from '#lib/cluster/shared-types';
import { authMode } from '#lib/config/auth-mode';
import { AppError } from '#lib/errors';
import { hasRight, member, type Principal } from '#lib/http/principal';
import { onStopping } from '#lib/shutdown';
import { SECOND_MS } from '#lib/units';
import type { ChatRequest } from '#lib/wire/chat';
import type { CancelledBy, QueueOverview } from '#lib/wire/chat-queue';

/** How long a stop waits for jobs that go back to the line. */
const STOP_MS = 2 * SECOND_MS;

/** The chat engine of a server that shares its queue with others over Redis. */
export function createSharedEngine(
  options: ChatEngineOptions,
  link: ClusterLink,
  createLine: (parts: SharedLineParts) => StartedLine = (parts) => new SharedQueue(parts),
): SharedChatEngine {
  return new SharedChatEngine(options, new SharedParts(options, link, createLine));
}

/**
 * The chat engine of several servers: requests of all of them wait in one line, identical ones
 * share a generation, and each can be read and cancelled on any. What this process has is as in
 * `ChatEngine`; what it has not is asked of Redis.
 */
export class SharedChatEngine extends EngineCore implements ChatService {
  readonly #shared: SharedParts;
  /** Requests of other servers that are looked up, by their ids. */
  readonly #finding = new Map<string, Promise<PendingRequest | undefined>>();
  readonly #modelLists: SharedModelLists | undefined;
  readonly #started: Promise<void>;

  constructor(options: ChatEngineOptions, shared: SharedParts) {
    // Accepted requests are in Redis.
    super({ ...options, savedRequests: undefined }, (local) => shared.connect(local));
    this.#shared = shared;
    shared.context = this.admission.generationContext;
    // Without Redis, a request of another server is as one that does not exist.
    shared.find = (id) => this.#findAny(id).catch(() => undefined);
    const { servers } = options.directory;
    this.#modelLists = servers && new SharedModelLists(shared.link, servers);
    if (this.#modelLists !== undefined) servers?.share(this.#modelLists);
    this.#started = shared.line.start();
    onStopping(() => shared.line.leave());
  }

  /** Resolves when it takes part in the work, or if Redis is away. */
  get started(): Promise<void> {
    return this.#started;
  }

  /** Like `EngineCore.submit`. Resolves when the request is in the line of all servers. */
  override async submit(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return await this.#withPlace(await admitted(super.submit(request, submitter)));
  }

  override async enqueue(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return await this.#withPlace(await admitted(super.enqueue(request, submitter)));
  }

  /** The reply says the place of a request, also of one that has joined that of another server. */
  async #withPlace(request: PendingRequest): Promise<PendingRequest> {
    // A cached response has its ready bodies as long as nothing asks for its log.
    if (!request.isCopy && request.cacheStatus !== 'joined') return request;
    const { log } = request;
    if (request.state !== 'queued' || log.status !== undefined) return request;
    const standing = await this.queueStatus(request);
    if (standing.queue_position > 0 && request.state === 'queued' && log.status === undefined)
      log.setStatus({ type: 'status', status: 'queued', ...standing });
    return request;
  }

  /** See `PendingRequest.addReader`: this server wants its response from now on. */
  override read(request: PendingRequest, onChange: () => void): () => void {
    this.#shared.mirrors.want(request.generation.id);
    return super.read(request, onChange);
  }

  /** The request with this id. Throws `not_found`, or `queue_full` if Redis cannot be asked. */
  find(id: string, caller: string): Awaitable<PendingRequest> {
    return this.findHere(id, caller) ?? this.#findReadable(id, caller);
  }

  async #findReadable(id: string, caller: string): Promise<PendingRequest> {
    const request = await this.#findAny(id);
    if (request === undefined || !mayRead(request, caller, this.parts.settings)) throw noSuchRequest();
    return request;
  }

  /** Cancels an own request that waits or runs. Throws `not_found`, or `already_finished`. */
  async cancel(id: string, caller: string, by: CancelledBy = 'user'): Promise<void> {
    await this.cancelRequest(await this.find(id, caller), by);
  }

  /** See `ChatEngine.cancelAs`. */
  async cancelAs(id: string, principal: Principal, by: CancelledBy): Promise<RequestOwner | undefined> {
    const { settings } = this.parts;
    const request = await this.#findAny(id);
    if (request === undefined || !mayControl(request, principal, settings)) throw noSuchRequest();
    const isOwn = isOwnRequest(request, principal, settings);
    await this.cancelRequest(request, isOwn ? by : 'operator');
    return isOwn ? undefined : request;
  }

  /** The place of a request in the line of its model server. */
  async queueStatus(request: PendingRequest): Promise<QueueStanding> {
    const { generation } = request;
    const { id: run } = generation;
    const mirror = this.#shared.mirrors.get(run);
    const isHere = mirror === undefined || mirror.isOwned || mirror.isAlone || request.state !== 'queued';
    if (isHere || !this.#shared.link.connection.isUsable) return this.standing(request);
    const { line, store } = this.#shared;
    try {
      const standing = await line.standingOf(generation, mirror.lane);
      const lane = standing.queue_position > 0 ? mirror.lane : (await store.find(run))?.lane;
      if (lane === undefined || lane === mirror.lane) return visibleTo(request, standing);
      // Its line has moved to another server.
      mirror.lane = lane;
      return visibleTo(request, await line.standingOf(generation, lane));
    } catch {
      // The guard has recorded the failure: what is known is better than nothing.
      return this.standing(request);
    }
  }

  queueStatusHere(request: PendingRequest): QueueStanding {
    return this.standing(request);
  }

  /** The queue of all servers as `principal` sees it: with the ids of what it may control. */
  async overview(principal: Principal): Promise<QueueOverview> {
    const { clock, settings, scheduler } = this.parts;
    // While Redis is away, it is that of this server.
    return queueOverview((await this.#readOverview()) ?? scheduler.view, settings, clock.now(), {
      mayControl: (owner) => mayControl(owner, principal, settings),
      seesCallers: authMode(settings) !== 'none' && hasRight(principal, 'group-admin'),
    });
  }

  /** What all servers have; undefined while Redis is away. Never rejects. */
  async #readOverview(): Promise<OverviewFigures | undefined> {
    const { overview, link } = this.#shared;
    // The guard has recorded a failure.
    return link.connection.isUsable ? await overview.read().catch(() => undefined) : undefined;
  }

  /** Of all servers; while Redis is away of this one. */
  protected override async usesOf(isOne: (model: string) => boolean): Promise<number> {
    const all = await this.#readOverview();
    const here = await super.usesOf(isOne);
    if (all === undefined) return here;
    const models = [...all.running, ...all.waiting().map(({ item }) => item)].map(({ model }) => model);
    return Math.max(here, models.filter(isOne).length);
  }

  /** Applies what another server has cleared, generated again or cancelled, or read of models. */
  override applyShared(change: ChatChange): void {
    if (change.kind === 'cancel') void this.#applyCancel(change);
    else if (change.kind === 'models') void this.#modelLists?.read(change.server);
    else if (change.kind === 'unreached') this.#modelLists?.verify(change.server);
    else super.applyShared(change);
  }

  /** See `InFlight.hasUnsavedWork`; also while a response is written here. */
  override get hasUnsavedWork(): boolean {
    return super.hasUnsavedWork || this.#shared.work.hasWritten;
  }

  /**
   * Ends what is read here, and gives what is worked on here back to the line. What has begun to
   * write ends. Resolves when all of that is in Redis, or after some seconds.
   */
  override async close(): Promise<void> {
    const { line, work, mirrors, care } = this.#shared;
    care.close();
    line.pause();
    const giving = work.close(STOPPING);
    for (const { generation, isOwned } of mirrors.all())
      if (!isOwned) generation.finish({ type: 'error', error: STOPPING });
    await giving;
    await line.stop(STOP_MS);
    mirrors.close();
    await super.close();
  }

  protected override cancelRequest(request: PendingRequest, by: CancelledBy): Awaitable<void> {
    if (request.finishedAt !== undefined)
      throw new AppError('already_finished', `This request has already ended (${request.state}).`);
    const run = request.generation.id;
    const isShared = request.isShared && this.#shared.mirrors.get(run) !== undefined;
    if (!isShared) this.#cancelHere(request, by);
    else return this.#cancelEverywhere(request, run, by);
  }

  /** The state is in Redis before the client gets its reply. Never rejects. */
  async #cancelEverywhere(request: PendingRequest, run: string, by: CancelledBy): Promise<void> {
    const { store, mirrors, link, care } = this.#shared;
    try {
      // Its keys are there before they are changed.
      if (!request.isCopy) await request.saved?.written;
      // It lives here alone after all, or has ended meanwhile.
      if (!request.isShared || request.finishedAt !== undefined) {
        this.#cancelHere(request, by);
        return;
      }
      const goesOn = await store.cancelTicket(request.id, run, by);
      this.#cancelHere(request, by);
      link.share({ kind: 'cancel', run, ticket: request.id, by });
      if (!goesOn) await mirrors.endCancelled(run, by);
    } catch {
      // Redis is away: it learns that once it is back, and so does the server that works on it.
      this.#cancelHere(request, by);
      care.cancelLater(request.id, run, by);
      link.share({ kind: 'cancel', run, ticket: request.id, by });
      const owned = mirrors.get(run);
      if (owned?.isOwned === true && owned.generation.requests?.size === 0) await mirrors.endCancelled(run, by);
    }
  }

  #cancelHere(request: PendingRequest, by: CancelledBy): void {
    if (request.finishedAt !== undefined) return;
    if (!request.isCopy) this.parts.counts.countEnd('cancelled');
    this.parts.inFlight.cancel(request, by);
  }

  async #applyCancel({ run, ticket, by }: Extract<ChatChange, { kind: 'cancel' }>): Promise<void> {
    const { store, mirrors, work } = this.#shared;
    const request = this.parts.inFlight.find(ticket);
    if (request?.isShared === true && request.generation.id === run)
      if (request.finishedAt === undefined) this.#cancelHere(request, by);
      else this.parts.inFlight.cancelEnded(request, by);
    if (mirrors.get(run)?.isOwned !== true) return;
    // The server that has sent the change may have done so while Redis was away.
    await store.cancelTicket(ticket, run, by).catch(() => {});
    await work.check(run);
  }

  /** Throws `queue_full` if Redis cannot be asked. */
  async #findAny(id: string): Promise<PendingRequest | undefined> {
    const here = this.parts.inFlight.find(id);
    if (here !== undefined) return here;
    if (!this.#shared.link.connection.isUsable) throw elsewhere();
    let finding = this.#finding.get(id);
    if (finding === undefined) {
      finding = this.#copy(id).finally(() => this.#finding.delete(id));
      this.#finding.set(id, finding);
    }
    return await finding;
  }

  /** A copy of a request of another server; undefined without one. Throws as `#findAny`. */
  async #copy(id: string): Promise<PendingRequest | undefined> {
    const { store, mirrors } = this.#shared;
    const { inFlight } = this.parts;
    try {
      const ticket = await store.findTicket(id);
      const generation = ticket && (await mirrors.of(ticket.run));
      const here = inFlight.find(id);
      if (here !== undefined || ticket === undefined || generation === undefined) return here;
      const copy = this.#makeCopy(id, ticket, generation);
      if (copy.cancelledAt === undefined) inFlight.add(copy);
      else inFlight.restoreResult(copy, copy.cancelledAt);
      return copy;
    } catch {
      // The guard has recorded the failure.
      throw elsewhere();
    }
  }

  #makeCopy(id: string, ticket: Ticket, generation: Generation): PendingRequest {
    const { caller, createdAt, userId, groupId, cancelledAt, cancelledBy = 'user' } = ticket;
    const { connection } = this.#shared.link;
    const whose = {
      ...(userId === undefined ? {} : { userId }),
      ...(groupId === undefined ? {} : { groupId }),
    };
    const copy = new PendingRequest(generation, {
      id,
      caller,
      principal: member(caller, whose),
      createdAt: connection.toLocal(createdAt),
      // What it is kept for is in Redis.
      detached: false,
      ...ticket.source,
      conversation: ticket.source.conversation,
    });
    copy.isCopy = true;
    if (cancelledAt !== undefined) {
      copy.cancelledAt = connection.toLocal(cancelledAt);
      copy.cancelledBy = cancelledBy;
    }
    return copy;
  }
}
