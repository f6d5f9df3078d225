import { mayUseResolved, requireAllowed } from '#lib/chat/allowed-models';
import { bodyCacheMode, hasDeterministicSampling } from '#lib/chat/cache/cache-policy';
import { CachedResponse } from '#lib/chat/cache/response-cache';
import type { ResumedRequest } from '#lib/chat/conversations';
import type { EngineParts } from '#lib/chat/engine-parts';
import type { GenerationContext } from '#lib/chat/generation/generation';
import { IdempotencyKeys } from '#lib/chat/generation/idempotency-keys';
import { ArrivingRequest, estimateRequestBytes } from '#lib/chat/generation/packed-request';
import { PendingRequest, type RequestSource } from '#lib/chat/generation/pending-request';
import type { CompletedRequest } from '#lib/chat/generation/shared-submissions';
import { flightKeyOf, Generations } from '#lib/chat/generations';
import { hasCaps, withinCaps } from '#lib/chat/limit-caps';
import { withoutParameters, withParameters } from '#lib/chat/model-parameters';
import { type ResolvedRequest, resolveRequest } from '#lib/chat/request-resolver';
import { LARGE_REQUEST_BYTES, resolveModel } from '#lib/chat/resolve-model';
import type { ClaimRequest, FlightClaim } from '#lib/chat/seams';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import { refusedUsage } from '#lib/chat/usage-of-request';
import { AppError } from '#lib/errors';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ResolvedModel } from '#lib/models/model-route';
import type { ChatRequest } from '#lib/wire/chat';

interface Admission {
  readonly unbegun?: PendingRequest | undefined;
  /** The response was looked up in the other levels of the cache. */
  readonly isLoaded?: boolean;
  /** The conversation is that of all servers. */
  readonly isResumed?: boolean;
  /** What other servers were asked for. */
  readonly claim?: FlightClaim | undefined;
  /** How often they were asked. */
  readonly claims?: number;
  /** Rejects if the caller is over its limit: nothing begins before it resolves. */
  readonly confirming?: Promise<void> | undefined;
}

/** A generation that a request is to join may end before it does. */
const MAX_CLAIMS = 3;

/**
 * Admits chat requests: resolves the model, then reads the cache, joins a leader or starts a
 * generation. Everything from the choice of a model to joining a leader happens in one turn of the
 * event loop, so that no two identical requests can miss each other.
 */
export class RequestAdmission {
  readonly #parts: EngineParts;
  readonly #generations: Generations;
  readonly #idempotencyKeys: IdempotencyKeys;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#generations = new Generations(parts);
    this.#idempotencyKeys = new IdempotencyKeys((id) => parts.inFlight.find(id));
  }

  /** Of the generations that were submitted to another server. */
  get generationContext(): GenerationContext {
    return this.#generations.context;
  }

  get idempotencyKeys(): IdempotencyKeys {
    return this.#idempotencyKeys;
  }

  /**
   * Accepts a request. It is cancelled when no reader registers within the grace period. A cached
   * response comes with its ready bodies, and is not registered as a result.
   * Throws the resolver's errors, `model_not_found` for a model that the caller may not use,
   * `queue_full` and `shutting_down`.
   *
   * The engine keeps no reference to `request` while it waits for anything; a caller that keeps
   * none either makes sure that waiting requests are outside the heap.
   */
  submit(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    return this.#submit(request, submitter, false);
  }

  /**
   * Like `submit`, for a request whose response is cached. Undefined if it is not, or for another
   * model by now: `submit` is called with the whole request then, and throws what is to be thrown.
   */
  submitKeyed(keyed: KeyedRequest, submitter: Submitter): PendingRequest | undefined {
    const { cache, counts, directory, scheduler } = this.#parts;
    if (scheduler.closed !== undefined || !cache.isEnabled) return undefined;
    // The key is that of the request as it was sent, without what a limit changes in it.
    if (hasCaps(submitter.allowance)) return undefined;
    if (!cache.effectivePolicy(keyed, submitter).reads) return undefined;
    const resolved = directory.resolveKnown?.(keyed.requestedModel);
    if (resolved?.provider.id !== keyed.provider.id || resolved.model !== keyed.model) return undefined;
    const { principal } = submitter;
    if (!mayUseResolved(principal, keyed.requestedModel, resolved, keyed.hasAccessRules)) return undefined;
    const key = cache.scopedKey(keyed.key, submitter.caller);
    // A miss is counted by `submit`.
    const cached = key === undefined ? undefined : cache.lookUpStored(key, submitter);
    if (cached === undefined) return undefined;
    counts.requests += 1;
    counts.lookups.hit += 1;
    return this.#serveCached(cached, keyed, submitter, false, undefined);
  }

  /**
   * Like `submit`, for the queue route: the request runs without a reader, its result can be
   * looked up by id, and an `Idempotency-Key` is honoured. Throws `idempotency_conflict` as well.
   */
  enqueue(request: ChatRequest, submitter: Submitter): Promise<PendingRequest> {
    const { caller, idempotencyKey } = submitter;
    if (idempotencyKey === undefined) return this.#submit(request, submitter, true);
    return this.#idempotencyKeys.once(caller, idempotencyKey, request, (idempotency) => {
      const submit = () => this.#submit(request, { ...submitter, idempotency }, true);
      const { submissions, shared } = this.#parts;
      if (submissions === undefined) return submit();
      const replay = (earlier: CompletedRequest) => this.#replay(earlier, submitter);
      return submissions.once(idempotency, submit, replay, shared && ((id) => shared.find(id)));
    });
  }

  /** The request of another server, as a result of this one. */
  #replay({ id, createdAt, response }: CompletedRequest, { caller, principal }: Submitter): PendingRequest {
    const { inFlight } = this.#parts;
    const known = inFlight.find(id);
    if (known !== undefined) return known;
    const pending = new PendingRequest(new CachedResponse(response, createdAt), {
      ...{ id, caller, principal, createdAt, detached: true, conversation: undefined },
      ...{ cacheStatus: 'hit', ignoredFields: [], droppedFields: [] },
    });
    inFlight.add(pending);
    return pending;
  }

  #submit(request: ChatRequest, submitter: Submitter, detached: boolean): Promise<PendingRequest> {
    const { closed } = this.#parts.scheduler;
    if (closed !== undefined) return Promise.reject(closed);
    // It is counted while other servers are asked for its response, and begins after both.
    const confirming = submitter.confirmCount?.();
    // Its refusal is the caller's, once the model is known.
    confirming?.catch(() => {});
    const bytes = submitter.bodyBytes ?? estimateRequestBytes(request);
    const submitted =
      bytes <= LARGE_REQUEST_BYTES
        ? this.#submitSmall(request, submitter, detached, confirming)
        : this.#submitLarge(new ArrivingRequest(request), request.model, bytes, submitter, detached, confirming);
    if (confirming === undefined) return submitted;
    // A caller that is over its limit learns that, whatever else is wrong.
    return submitted.catch((error: unknown) => confirming.then(() => Promise.reject(error)));
  }

  async #submitSmall(
    request: ChatRequest,
    submitter: Submitter,
    detached: boolean,
    confirming: Promise<void> | undefined,
  ): Promise<PendingRequest> {
    const resolved = await resolveModel(this.#parts, request.model);
    return await this.#admit(request, resolved, submitter, detached, { confirming });
  }

  async #submitLarge(
    arriving: ArrivingRequest<ChatRequest>,
    name: string | undefined,
    bytes: number,
    submitter: Submitter,
    detached: boolean,
    confirming: Promise<void> | undefined,
  ): Promise<PendingRequest> {
    const resolved = await resolveModel(this.#parts, name, { caller: submitter.caller, bytes });
    return await this.#admit(arriving.take(), resolved, submitter, detached, { confirming });
  }

  /**
   * Begins a request that was accepted before a restart. It is as if it came now, but displaces no
   * other one, and keeps its id. Throws the directory's errors, `unsupported_parameter`,
   * `queue_full` and `shutting_down`.
   */
  async resume(unbegun: PendingRequest, request: ChatRequest, submitter: Submitter): Promise<void> {
    const resolved = await this.#parts.directory.resolve(request.model);
    if (unbegun.finishedAt === undefined) await this.#admit(request, resolved, submitter, true, { unbegun });
  }

  /**
   * In one turn of the event loop: see the class comment. What another level of the cache or
   * another server may have is brought into memory first, in another turn.
   */
  #admit(
    sent: ChatRequest,
    route: ResolvedModel,
    submitter: Submitter,
    detached: boolean,
    { unbegun, isLoaded = false, isResumed = false, claim, claims = 0, confirming }: Admission = {},
  ): PendingRequest | Promise<PendingRequest> {
    const { cache, conversations, counts, savedRequests, scheduler, settings } = this.#parts;
    const { provider, model } = route;
    scheduler.throwIfClosed();
    const overrides = modelOverrides();
    const hasAccessRules = overrides.accessRules.length > 0;
    requireAllowed(submitter.principal, sent.model, route, hasAccessRules);
    const resuming = isResumed ? undefined : conversations.load(sent, submitter.caller);
    if (resuming !== undefined)
      return resuming.then(() => {
        if (unbegun !== undefined && unbegun.finishedAt !== undefined) return unbegun;
        return this.#admit(sent, route, submitter, detached, { unbegun, isResumed: true, confirming });
      });
    const defaults = overrides.defaultsOf(route);
    const { request, lowered } = withinCaps(withParameters(sent, defaults.parameters), submitter.allowance);
    const resumed = conversations.resume(request, submitter.caller);
    const bodyMode = bodyCacheMode(request);
    const isDeterministic = hasDeterministicSampling(request.options);
    const bodyPolicy = cache.policyOf(bodyMode, isDeterministic, submitter);
    const policy = cache.effectivePolicy({ policy: bodyPolicy, cacheMode: bodyMode, isDeterministic }, submitter);
    const asResolved = resolveRequest(
      resumed?.request ?? request,
      route,
      defaults.systemPrompt ?? settings.OLLAMA_SYSTEM_PROMPT,
      {
        isShared: policy.reads || policy.stores,
        dropsFields: request.drop_params ?? submitter.dropParams ?? settings.DROP_PARAMS,
      },
    );
    const ineffective = lowered.length === 0 ? asResolved.ignoredFields : [...asResolved.ignoredFields, ...lowered];
    const ignoredFields = withoutParameters(ineffective, defaults.parameters, sent);
    const resolved = ignoredFields === asResolved.ignoredFields ? asResolved : { ...asResolved, ignoredFields };
    const isKeyed = resumed === undefined && !hasCaps(submitter.allowance);
    if (isKeyed && resolved.key !== undefined && (bodyPolicy.reads || policy.reads))
      submitter.onKey?.({
        requestedModel: request.model,
        provider,
        model,
        key: resolved.key,
        cacheMode: bodyMode,
        policy: bodyPolicy,
        isDeterministic,
        hasAccessRules,
        ignoredFields: resolved.ignoredFields,
        droppedFields: resolved.droppedFields,
      });
    const key = cache.scopedKey(resolved.key, submitter.caller);
    const storeKey = policy.stores ? key : undefined;
    const lookupKey = policy.reads ? key : undefined;
    const isRepeated = claim?.leader !== undefined && claim.leader.finishedAt !== undefined && claims < MAX_CLAIMS;
    const claiming =
      claim === undefined || isRepeated
        ? this.#claim(resolved, withClaimedId(submitter, claim), { lookupKey, storeKey, priority: request.priority })
        : undefined;
    // After the claim: what was generated before that is in the cache.
    const loading =
      lookupKey !== undefined && !isLoaded && cache.isEnabled && cache.mayLoad(lookupKey)
        ? cache.load(lookupKey)
        : undefined;
    const admitAgain = (claimed: FlightClaim | undefined) => {
      const isLoadedNow = claiming === undefined || claimed?.isLate !== true;
      const again = { unbegun, isLoaded: isLoadedNow, isResumed: true, claim: claimed, claims: claims + 1 };
      if (unbegun !== undefined && unbegun.finishedAt !== undefined) return unbegun;
      try {
        return this.#admit(sent, route, submitter, detached, again);
      } catch (error) {
        claimed?.release();
        throw error;
      }
    };
    if (claiming !== undefined) claim?.release();
    if (claiming !== undefined || loading !== undefined || confirming !== undefined) {
      const asking = claiming ?? claim;
      return Promise.all([asking, loading, confirming]).then(
        ([claimed]) => admitAgain(claimed),
        async (error: unknown) => {
          (await asking)?.release();
          throw error;
        },
      );
    }
    counts.requests += 1;
    const cached = lookupKey !== undefined && cache.isEnabled ? cache.lookUp(lookupKey, submitter) : undefined;
    if (cached !== undefined) {
      counts.lookups.hit += 1;
      claim?.release();
      const pending = this.#serveCached(cached, resolved, withClaimedId(submitter, claim), detached, resumed, unbegun);
      if (detached && unbegun === undefined) savedRequests?.add(pending, resumed?.request ?? request, submitter);
      return pending;
    }
    if (submitter.cacheControl?.onlyIfCached === true) {
      counts.lookups[policy.reads ? 'miss' : 'bypass'] += 1;
      throw new AppError(
        'not_cached',
        'The response is not cached, and the request has Cache-Control: only-if-cached. Send it without.',
      );
    }
    try {
      const pending = this.#generations.joinOrStart({
        submitter: withClaimedId(submitter, claim),
        detached,
        priority: request.priority,
        resolved,
        lookupKey,
        storeKey,
        resumed,
        unbegun,
      });
      // It has joined another one, or is in no line that others see.
      if (claim !== undefined && !(pending.isShared && pending.generation.id === claim.id)) claim.release();
      if (detached && unbegun === undefined) savedRequests?.add(pending, resumed?.request ?? request, submitter);
      return pending;
    } catch (error) {
      if (unbegun !== undefined) {
        // It is tried again, and counted then.
        counts.requests -= 1;
        throw error;
      }
      this.#parts.usage.record(refusedUsage(submitter.principal, resolved.request.model, error));
      throw counts.countRefusal(error);
    }
  }

  /** Undefined if this server has no others, or the request needs nothing of them. */
  #claim(
    { targets }: Pick<ResolvedRequest, 'targets'>,
    submitter: Submitter,
    {
      lookupKey,
      storeKey,
      priority,
    }: Pick<ClaimRequest, 'priority'> & Readonly<Record<'lookupKey' | 'storeKey', string | undefined>>,
  ): Promise<FlightClaim> | undefined {
    const { shared, cache, inFlight, settings } = this.#parts;
    if (shared === undefined) return undefined;
    if (lookupKey !== undefined && cache.isEnabled && cache.has(lookupKey, submitter)) return undefined;
    const keyOf = (key: string | undefined) => (key === undefined ? undefined : flightKeyOf(key, targets));
    const joinKey = settings.BATCH_DEDUPLICATION ? keyOf(lookupKey) : undefined;
    const hasLeader = joinKey !== undefined && inFlight.findLeader(joinKey) !== undefined;
    const isIdGiven = submitter.id !== undefined && submitter.isIdGiven !== false;
    const asked = { id: submitter.id, isIdGiven, priority };
    if (hasLeader) return isIdGiven ? shared.claim({ ...asked, ...NO_KEYS }) : undefined;
    const ownKey = settings.BATCH_DEDUPLICATION ? keyOf(storeKey) : undefined;
    return shared.claim({ ...asked, joinKey, ownKey });
  }

  #serveCached(
    cached: CachedResponse,
    { ignoredFields, droppedFields }: Pick<ResolvedRequest, 'ignoredFields' | 'droppedFields'>,
    submitter: Submitter,
    detached: boolean,
    resumed: ResumedRequest | undefined,
    unbegun?: PendingRequest | undefined,
  ): PendingRequest {
    const { clock, conversations, inFlight, usage } = this.#parts;
    const { prompt_tokens, completion_tokens } = cached.usage;
    usage.recordHit(submitter.principal, cached.model, prompt_tokens + completion_tokens);
    const source: RequestSource = {
      cacheStatus: 'hit',
      ignoredFields,
      droppedFields,
      conversation: resumed && { id: resumed.id, state: resumed.state, addedMessages: 0 },
    };
    const pending =
      unbegun ??
      new PendingRequest(cached, {
        ...source,
        id: inFlight.chooseId(submitter),
        caller: submitter.caller,
        principal: submitter.principal,
        createdAt: clock.now(),
        detached,
      });
    unbegun?.begin(cached, source);
    if (unbegun !== undefined) inFlight.addBegun(unbegun);
    else if (detached || resumed !== undefined) inFlight.add(pending);
    if (resumed !== undefined) conversations.store(pending, resumed.request.messages);
    return pending;
  }
}

/** A request that joins a generation of this server asks others for its id alone. */
const NO_KEYS = { joinKey: undefined, ownKey: undefined };

function withClaimedId(submitter: Submitter, claim: FlightClaim | undefined): Submitter {
  return claim === undefined ? submitter : { ...submitter, id: claim.id, isIdGiven: false };
}
