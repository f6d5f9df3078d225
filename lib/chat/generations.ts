import type { ResumedRequest } from '#lib/chat/conversations';
import type { EngineParts } from '#lib/chat/engine-parts';
import { Generation, type GenerationContext } from '#lib/chat/generation/generation';
import { recordGenerationMetrics, recordGenerationSpans } from '#lib/chat/generation/generation-telemetry';
import { estimateRequestBytes } from '#lib/chat/generation/packed-request';
import { PendingRequest, type RequestSource } from '#lib/chat/generation/pending-request';
import { batchGroup } from '#lib/chat/model-request';
import type { ResolvedRequest } from '#lib/chat/request-resolver';
import { prefixKey } from '#lib/chat/scheduler/prefix-affinity';
import type { Submitter } from '#lib/chat/submitter';
import { spentTokens } from '#lib/chat/usage-of-request';
import { AppError } from '#lib/errors';
import { levelsLost } from '#lib/http/request-limits';
import { estimateTokens } from '#lib/models/estimate-tokens';
import type { RouteTarget } from '#lib/models/model-route';
import type { ModelRequest } from '#lib/models/provider';
import type { Completion } from '#lib/wire/completion';

/** A request after the choice of its model. */
export interface AdmittedRequest {
  readonly submitter: Submitter;
  readonly detached: boolean;
  readonly priority: number;
  readonly resolved: ResolvedRequest;
  /** Undefined if the request neither reads the cache nor joins another generation. */
  readonly lookupKey: string | undefined;
  readonly storeKey: string | undefined;
  readonly resumed: ResumedRequest | undefined;
  /** The request itself if it was accepted before a restart; it displaces no other one. */
  readonly unbegun?: PendingRequest | undefined;
}

/** Starts generations, lets requests join them, and stores what they end with. */
export class Generations {
  readonly #parts: EngineParts;
  readonly #context: GenerationContext;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#context = {
      clock: parts.clock,
      graceMs: parts.settings.DISCONNECT_GRACE_MS,
      onDone: (generation) => this.#handleDone(generation),
      ...parts.shared?.hooks,
    };
  }

  /** Of generations that were made elsewhere. */
  get context(): GenerationContext {
    return this.#context;
  }

  /**
   * Joins the leader of the request's key, or starts a generation, within the limits of its caller.
   * Above its share it waits behind others.
   */
  joinOrStart(admitted: AdmittedRequest): PendingRequest {
    const { allowance, isAccepted } = admitted.submitter;
    if (allowance === undefined) return this.#joinOrStart(admitted, false);
    const lost = levelsLost(allowance);
    const leave = allowance.enter('model', isAccepted);
    try {
      const pending = this.#joinOrStart({ ...admitted, priority: admitted.priority - lost }, lost > 0);
      if (pending.finishedAt === undefined) pending.leave = leave;
      else leave();
      return pending;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #joinOrStart(
    { submitter, detached, priority, resolved, lookupKey, storeKey, resumed, unbegun }: AdmittedRequest,
    isBehind: boolean,
  ): PendingRequest {
    const { settings, clock, counts, inFlight, scheduler } = this.#parts;
    if (inFlight.isFull && unbegun === undefined)
      throw new AppError('queue_full', 'The server is at its limit of open requests. Try again in a few seconds.', {
        data: { reason: 'open_requests' },
      });
    const { caller } = submitter;
    const id = unbegun?.id ?? inFlight.chooseId(submitter);
    const now = clock.now();
    const { targets } = resolved;
    const leader =
      lookupKey !== undefined && settings.BATCH_DEDUPLICATION
        ? inFlight.findLeader(flightKeyOf(lookupKey, targets))
        : undefined;
    const generation =
      leader ??
      new Generation(
        {
          id,
          caller,
          group: batchGroup(resolved.provider.id, resolved.request.model, resolved.request.options),
          model: resolved.request.model,
          createdAt: now,
          key: storeKey,
          flightKey: storeKey === undefined ? undefined : flightKeyOf(storeKey, targets),
          isNew: lookupKey === undefined,
          provider: resolved.provider,
          targets,
          prefixKey: this.#prefixKey(resolved),
          priority,
          allowance: submitter.allowance,
          isBehind,
          request: resolved.request,
          requestBytes: estimateRequestBytes(resolved.request),
        },
        this.#context,
      );
    const source: RequestSource = {
      cacheStatus: leader ? 'joined' : lookupKey !== undefined && settings.CACHE_ENABLED ? 'miss' : 'bypass',
      ignoredFields: resolved.ignoredFields,
      droppedFields: resolved.droppedFields,
      conversation: resumed && {
        id: resumed.id,
        state: resumed.state,
        addedMessages: resolved.request.messages.length - resumed.request.messages.length,
      },
    };
    const lane = leader === undefined ? scheduler.ensureCapacity(generation, unbegun === undefined) : undefined;
    const pending =
      unbegun ??
      new PendingRequest(generation, {
        ...source,
        id,
        caller,
        principal: submitter.principal,
        createdAt: now,
        detached,
      });
    unbegun?.begin(generation, source);
    if (leader === undefined) inFlight.registerLeader(generation);
    else {
      scheduler.raisePriority(leader, priority);
      if (!isBehind) leader.isBehind = false;
    }
    counts.lookups[pending.cacheStatus] += 1;
    // Before the start: a response finds its requests, however soon it ends.
    if (unbegun === undefined) inFlight.add(pending);
    else inFlight.addBegun(pending);
    if (lane !== undefined) scheduler.admit(generation, lane, now);
    if (unbegun?.readers !== undefined) scheduler.watchPosition(generation);
    return pending;
  }

  /** Of the conversation so far, if its server is to be found again. */
  #prefixKey({ provider, request, targets }: ResolvedRequest): string | undefined {
    const hasChoice = targets?.some(({ servers }) => servers.length > 1) === true;
    return hasChoice && this.#parts.settings.MODEL_AFFINITY ? prefixKey(provider.id, request) : undefined;
  }

  /** The one place where the engine learns that a generation is done. */
  #handleDone(generation: Generation): void {
    const { response, request, createdAt, firstTokenAt, finishedAt = createdAt } = generation;
    const { counts, cache, conversations, inFlight, metrics, scheduler } = this.#parts;
    // Requests that were cancelled before are counted already, and have left the generation.
    counts.countEnd(generation.state, inFlight.requestsOf(generation).filter(({ isCopy }) => !isCopy).length);
    if (!generation.isMirror) generation.allowance?.spendTokens(chargedTokens(generation));
    if (response !== undefined) {
      const isWhole = isWholeAtLimit(request?.completion);
      // What runs elsewhere is stored for all servers there.
      if (generation.runsElsewhere) cache.keep(generation.key, response, isWhole);
      else cache.store(generation.key, response, isWhole, generation.isNew);
      if (!generation.isMirror) {
        counts.total.add(finishedAt - createdAt);
        if (firstTokenAt !== undefined) counts.firstToken.add(firstTokenAt - createdAt);
      }
      for (const pending of inFlight.requestsOf(generation))
        if (pending.conversation !== undefined && request !== undefined)
          conversations.store(pending, request.messages.slice(pending.conversation.addedMessages));
      if (!generation.runsElsewhere && request !== undefined) void this.#storeTurnsElsewhere(generation, request);
    } else generation.spent = spentTokens(generation);
    if (!generation.runsElsewhere) recordGenerationMetrics(generation, metrics);
    if (!generation.isMirror) recordGenerationSpans(generation);
    inFlight.settle(generation);
    scheduler.handleDone(generation);
  }

  /** The turns of requests of other servers, which these may have cancelled. Never rejects. */
  async #storeTurnsElsewhere({ response, turnsElsewhere }: Generation, { messages }: ModelRequest): Promise<void> {
    const { shared, conversations } = this.#parts;
    if (response === undefined || shared === undefined || turnsElsewhere === undefined) return;
    for (const turn of await shared.turnsLeft(turnsElsewhere))
      conversations.storeElsewhere(turn, response, messages.slice(turn.addedMessages));
  }
}

/** The tokens that a generation cost, counted by its pieces where the model server has no count. */
function chargedTokens(generation: Generation): number {
  const { response, request, tokens } = generation;
  const { prompt_tokens, completion_tokens } = response?.usage ?? spentTokens(generation);
  const prompt =
    prompt_tokens === 0 && response !== undefined && request !== undefined ? estimateTokens(request) : prompt_tokens;
  return prompt + (completion_tokens === 0 ? tokens : completion_tokens);
}

/**
 * The key by which requests join. A response of one of several models is for those who asked for
 * the same ones.
 */
export function flightKeyOf(key: string, targets: readonly RouteTarget[] | undefined): string {
  return targets === undefined || targets.length === 1 ? key : `${key} ${modelsOf(targets)}`;
}

/** The models of an alias, as part of a key. */
function modelsOf(targets: readonly RouteTarget[]): string {
  return targets.map(({ model, servers }) => `${model}@${servers.map(({ id }) => id).join('+')}`).join(',');
}

/** A text without a template is whole at its token limit: few of them end before. */
function isWholeAtLimit(completion: Completion | undefined): boolean {
  return completion !== undefined && (completion.raw || completion.suffix !== undefined);
}
