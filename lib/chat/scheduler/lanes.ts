import { Lane } from '#lib/chat/scheduler/lane';
import { PrefixAffinity } from '#lib/chat/scheduler/prefix-affinity';
import { CALLER_SHARE } from '#lib/chat/scheduler/queue-admission';
import { QueueBounds } from '#lib/chat/scheduler/queue-bounds';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import { WaitEstimator } from '#lib/chat/scheduler/wait-estimator';
import type { QueueLimits } from '#lib/chat/scheduler/waiting-queue';
import type { Config } from '#lib/config/config';
import { chooseLane, expectedWaitMs, type LaneFigures, laneCostMs } from '#lib/models/choose-lane';
import type { RouteTarget } from '#lib/models/model-route';
import { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';
import type { ModelServers } from '#lib/models/servers';
import { MIB } from '#lib/units';

/** How many requests at the front of a line may move to a free server. */
const MAX_MOVABLE = 32;
/** What a move has to save at most. A model may have to be loaded, and an estimate may be wrong. */
const MOVE_GAIN_MS = 2_000;

export interface LanesOptions {
  readonly limits: QueueLimits;
  /** Slots of a server that is not in `serverOf`. */
  readonly slots: number;
  /** The run time of a request until one was measured. */
  readonly fallbackMs: number;
  readonly hasAffinity: boolean;
  /** The server of a provider. */
  readonly serverOf: (provider: ModelProvider) => ModelServer | undefined;
}

interface Candidate<T extends QueuedWork> extends LaneFigures {
  readonly lane: Lane<T>;
}

/** The lanes of an engine, with the bounds of its settings. */
export function createLanes<T extends QueuedWork>(settings: Config, servers?: ModelServers): Lanes<T> {
  const maxBytes = settings.QUEUE_MAX_MB * MIB;
  return new Lanes<T>({
    limits: {
      maxSize: settings.QUEUE_MAX_SIZE,
      maxBytes,
      maxCallerBytes: maxBytes * CALLER_SHARE,
      batch: { maxSize: settings.BATCH_MAX_SIZE, timeoutMs: settings.BATCH_TIMEOUT_MS },
    },
    slots: settings.QUEUE_MAX_CONCURRENT,
    fallbackMs: settings.QUEUE_ESTIMATED_TIME_PER_REQUEST_MS,
    hasAffinity: settings.MODEL_AFFINITY,
    serverOf: (provider) => servers?.serverOf(provider),
  });
}

/** The lanes of all model servers, and the choice between them. */
export class Lanes<T extends QueuedWork> {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<ModelServer, Lane<T>>();
  /** Servers of providers that are not in the directory. */
  readonly #ownServers = new WeakMap<ModelProvider, ModelServer>();
  readonly bounds: QueueBounds<T>;
  /** Times of all servers together. */
  readonly times: WaitEstimator;
  readonly affinity = new PrefixAffinity();

  constructor(options: LanesOptions) {
    this.#options = options;
    this.bounds = new QueueBounds(options.limits);
    this.times = new WaitEstimator(options.fallbackMs);
  }

  [Symbol.iterator](): IterableIterator<Lane<T>> {
    return this.#lanes.values();
  }

  get areSeveral(): boolean {
    return this.#lanes.size > 1;
  }

  /** The lane of a server. Created on its first use. */
  of(server: ModelServer): Lane<T> {
    let lane = this.#lanes.get(server);
    if (lane === undefined) {
      const { limits, fallbackMs } = this.#options;
      lane = new Lane<T>(server, limits, this.bounds, this.times, fallbackMs);
      this.#lanes.set(server, lane);
    }
    return lane;
  }

  /** Undefined if nothing was ever asked of the server. */
  find(server: ModelServer): Lane<T> | undefined {
    return this.#lanes.get(server);
  }

  /** The lane in whose line `work` waits, with its position from 1. */
  waitingIn(work: QueuedWork): { lane: Lane<T>; position: number } | undefined {
    for (const lane of this.#lanes.values()) {
      const position = lane.line.position(work.id);
      if (position !== undefined) return { lane, position };
    }
    return undefined;
  }

  /** The lane for work that arrives. */
  choose(work: T, now: number): Lane<T> {
    const { provider, targets } = work;
    const target = targets?.[0];
    const [only, second] = target?.servers ?? [];
    if (target !== undefined && second !== undefined) {
      const best = chooseLane(this.#candidates(work, target, now), work);
      if (best !== undefined) return best.lane;
    }
    return this.of(only ?? this.#serverOf(provider));
  }

  /** The best lane for work that failed elsewhere; undefined if each was tried, or none is up. */
  next(work: T, now: number): { lane: Lane<T>; target: RouteTarget } | undefined {
    const [current, ...later] = work.targets ?? [];
    for (const target of current === undefined ? [] : [current, ...later]) {
      const tried = target === current ? work.tried : undefined;
      const open = this.#candidates(work, target, now).filter(
        ({ lane: { server }, hasModel, isUp }) => isUp && hasModel !== false && tried?.has(server) !== true,
      );
      const suiting = target === current ? open : open.filter(({ lane }) => work.suits(lane.server.provider));
      const best = chooseLane(suiting, work);
      if (best !== undefined) return { lane: best.lane, target };
    }
    return undefined;
  }

  /** Whether another server than those that failed it can take the work. */
  hasOther(work: T, now: number): boolean {
    return (work.targets?.length ?? 0) > 0 && this.next(work, now) !== undefined;
  }

  /** The best lane that is up for waiting work; undefined if no server is. */
  chooseUp(work: T, now: number): Lane<T> | undefined {
    const target = work.targets?.[0];
    const up = target === undefined ? [] : this.#candidates(work, target, now).filter(({ isUp }) => isUp);
    const best = up.some(({ hasModel }) => hasModel !== false) ? chooseLane(up, work) : undefined;
    return best?.lane;
  }

  /**
   * The waiting work that a free lane takes from another one: in the line with the longest wait,
   * the first near its front for which that saves enough. Changes nothing.
   */
  findMovable(to: Lane<T>, now: number): { work: T; from: Lane<T> } | undefined {
    const others = [...this.#lanes.values()]
      .filter((lane) => lane !== to && lane.line.size > 0)
      .map((lane) => ({ lane, waitMs: lane.server.isUp ? lineWaitMs(lane) : Number.POSITIVE_INFINITY }))
      .sort((a, b) => b.waitMs - a.waitMs);
    for (const { lane: from } of others) {
      let ahead = 0;
      for (const { item } of from.line.waiting()) {
        if (ahead >= MAX_MOVABLE) break;
        if (this.#gainsFromMove(item, from, to, ahead, now)) return { work: item, from };
        ahead += 1;
      }
    }
    return undefined;
  }

  #gainsFromMove(work: T, from: Lane<T>, to: Lane<T>, ahead: number, now: number): boolean {
    const target = work.targets?.[0];
    if (target?.servers.includes(to.server) !== true || to.server.has(work.model) === false) return false;
    // Else a server that fails at once would take the work that it failed from the next line again.
    if (to.isAvoided(work.model, now)) return false;
    if (!from.server.isUp) return true;
    const there = this.#figures(work, from, now);
    const here = this.#figures(work, to, now);
    const saved = laneCostMs({ ...there, waiting: ahead }) - laneCostMs(here);
    return saved > (here.isLoaded ? Math.min(MOVE_GAIN_MS, here.averageMs / 2) : MOVE_GAIN_MS);
  }

  #candidates(work: T, { model, servers }: RouteTarget, now: number): Candidate<T>[] {
    return servers.map((server) => this.#figures(work, this.of(server), now, model));
  }

  #figures(work: T, lane: Lane<T>, now: number, model = work.model): Candidate<T> {
    const { server, line, running, shared } = lane;
    const { first } = line;
    const isReloaded = first !== undefined && first.model !== model && server.isLoaded(first.model);
    return {
      lane,
      id: server.id,
      isUp: server.isUp,
      hasModel: server.has(model),
      isAvoided: lane.isAvoided(model, now),
      weight: server.weight,
      slots: lane.slots,
      running: running.size + shared.running,
      waiting: line.size + shared.waiting,
      averageMs: lane.times.averageOf(work.timingKey),
      isLoaded: server.isLoaded(model) || isRunning(running, model),
      measuredLoadMs: lane.loadMs(model),
      sizeBytes: server.find(model)?.size_bytes ?? undefined,
      reloadMs: isReloaded ? (lane.loadMs(first.model) ?? 0) : 0,
      prefixTokens: this.#options.hasAffinity ? this.affinity.tokensOn(server, work.prefixKey) : 0,
      promptTokensPerSecond: lane.promptTokensPerSecond,
    };
  }

  #serverOf(provider: ModelProvider | undefined): ModelServer {
    if (provider === undefined) throw new Error('a replayed response has no model server');
    const known = this.#options.serverOf(provider) ?? this.#ownServers.get(provider);
    if (known !== undefined) return known;
    const { id: name } = provider;
    const { slots } = this.#options;
    const server = new ModelServer({ provider, name, isNamed: false, url: name, slots, weight: 1, hasTags: false });
    this.#ownServers.set(provider, server);
    return server;
  }
}

function isRunning(running: ReadonlySet<QueuedWork>, model: string): boolean {
  for (const work of running) if (work.model === model) return true;
  return false;
}

/** The expected wait at the end of a line. */
function lineWaitMs<T extends QueuedWork>({ server, slots, line, running, shared, times }: Lane<T>): number {
  const { weight } = server;
  const averageMs = times.averageMs;
  const all = { running: running.size + shared.running, waiting: line.size + shared.waiting };
  return expectedWaitMs({ ...all, averageMs, weight, slots });
}
