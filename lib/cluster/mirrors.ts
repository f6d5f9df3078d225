import { type FinalEvent, Generation, type GenerationContext } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Clock } from '#lib/clock';
import { Follower, LOG_START } from '#lib/cluster/follower';
import { cancelledEnd, WORKER_LOST } from '#lib/cluster/lost-runs';
import { decodeEntry, decodeTargets, isFinal, parseEntryId, type StoredRun } from '#lib/cluster/run-format';
import { isUnwanted, type RunStore, setUnsaved } from '#lib/cluster/runs';
import type { ClusterLink, SharedLine } from '#lib/cluster/shared-types';
import type { ModelServer } from '#lib/models/model-server';
import { SECOND_MS } from '#lib/units';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** A run that is silent for this long is looked at. */
const SILENCE_MS = 3 * SECOND_MS;
/** Leases are renewed in every one of so many ticks of a second. */
const LEASE_TICKS = 5;
/** Once Redis is away for this long, what waits in it is started here. */
const AWAY_MS = 5 * SECOND_MS;
/** Silent runs that are looked at at a time: more commands would hold up others. */
const LOOKS = 100;

/** A run whose events this instance has. */
export interface Mirror {
  readonly generation: Generation;
  /** As it was known last: a line may move to another lane. */
  lane: string;
  /** Whether this instance works on it, and its log is written here. */
  isOwned: boolean;
  /** Whether this instance says that it wants it. */
  isWanted: boolean;
  heardMs: number;
  /** The number of the event after which entries were missing. */
  gapAfter?: number;
}

export interface MirrorsOptions {
  readonly link: ClusterLink;
  readonly store: RunStore;
  readonly inFlight: InFlight;
  readonly clock: Clock;
  readonly context: () => GenerationContext;
  readonly serverOf: (id: string) => ModelServer | undefined;
  readonly line: () => SharedLine;
  /** Looks now whether a run that this instance works on is to end. */
  readonly checkOwned: (run: string) => void;
  /** A run has ended for this instance. */
  readonly onRemove: (run: string) => void;
  /** Starts a generation in this process alone. */
  readonly startHere: (generation: Generation) => void;
}

/** What the asker of a run knows of it. */
interface Asked {
  /** The key under which requests of this process join it. */
  readonly flightKey?: string | undefined;
}

/**
 * The generations of runs on this instance: those that were submitted here, and those that somebody
 * reads here. Their logs are fed by the follower, unless this instance works on the run.
 */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #loading = new Map<string, Promise<Generation | undefined>>();
  readonly #follower: Follower;
  #cancelTick: (() => void) | undefined;
  #ticks = 0;
  #areLeasesDue = false;
  #awaySinceMs: number | undefined;

  constructor(options: MirrorsOptions) {
    this.#options = options;
    this.#follower = new Follower(options.link, (run, id, fields) => this.#handleEntry(run, id, fields));
    this.#scheduleTick();
  }

  get(run: string): Mirror | undefined {
    return this.#mirrors.get(run);
  }

  /** All of this instance. */
  all(): Mirror[] {
    return [...this.#mirrors.values()];
  }

  /** A run was begun here: others may work on it. */
  adopt(generation: Generation, lane: string): void {
    generation.runsElsewhere = true;
    this.#add(generation, lane, true);
    this.#follower.follow(generation.id);
  }

  /** This instance works on the run from now on. */
  own(generation: Generation, lane: string): void {
    generation.runsElsewhere = false;
    const mirror = this.#mirrors.get(generation.id) ?? this.#add(generation, lane, false);
    mirror.isOwned = true;
    this.#follower.unfollow(generation.id);
  }

  /** The run is none of the cluster's any more: it ends here, or lives in this process alone. */
  release(generation: Generation): void {
    generation.runsElsewhere = false;
    if (this.#mirrors.get(generation.id)?.generation === generation) this.#remove(generation.id);
  }

  /**
   * The generation of a run, which is made if this instance has none: it has the events of Redis
   * when this resolves. Undefined if there is no such run (any more). Rejects if Redis does.
   */
  async of(run: string, asked: Asked = {}): Promise<Generation | undefined> {
    const known = this.#mirrors.get(run);
    if (known !== undefined) return known.generation;
    let loading = this.#loading.get(run);
    if (loading === undefined) {
      loading = this.#load(run, asked).finally(() => this.#loading.delete(run));
      this.#loading.set(run, loading);
    }
    return await loading;
  }

  async #load(run: string, asked: Asked): Promise<Generation | undefined> {
    const { store } = this.#options;
    const stored = await store.find(run);
    if (stored === undefined) return undefined;
    const entries = await store.entries(run);
    // It may have begun here in the meantime.
    const known = this.#mirrors.get(run);
    if (known !== undefined) return known.generation;
    const generation = this.make(run, stored, asked);
    this.#add(generation, stored.lane, false);
    for (const [id, fields] of entries) this.#handleEntry(run, id, fields);
    if (generation.finishedAt === undefined) {
      // Its log is lost, or has expired.
      if (stored.finishedAt !== undefined) generation.finish(WORKER_LOST);
      else this.#follower.follow(run, entries.at(-1)?.[0] ?? LOG_START);
    }
    if (stored.finishedAt !== undefined)
      generation.finishedAt = this.#options.link.connection.toLocal(stored.finishedAt);
    return generation;
  }

  /** A generation for a run of which this instance has none. */
  make(run: string, stored: StoredRun, { flightKey }: Asked = {}): Generation {
    const { link, context, serverOf } = this.#options;
    const toLocal = (ms: number) => link.connection.toLocal(ms);
    const generation = Generation.mirror(
      {
        id: run,
        caller: stored.caller,
        group: stored.group,
        model: stored.model,
        createdAt: toLocal(stored.createdAt),
        key: stored.key === '' ? undefined : stored.key,
        isNew: stored.isNew === '1',
        flightKey: flightKey ?? (stored.flightKey === '' ? undefined : stored.flightKey),
        prefixKey: stored.prefixKey === '' ? undefined : stored.prefixKey,
        targets: decodeTargets(stored.targets, serverOf),
        priority: stored.priority,
        requestBytes: stored.requestBytes,
      },
      context(),
    );
    generation.cached = stored.cached === '1';
    if (stored.firstTokenAt !== undefined) generation.firstTokenAt = toLocal(stored.firstTokenAt);
    if (stored.startedAt !== undefined) generation.startedAt = toLocal(stored.startedAt);
    return generation;
  }

  #add(generation: Generation, lane: string, isWanted: boolean): Mirror {
    const { id: run, log } = generation;
    const mirror: Mirror = { generation, lane, isOwned: false, isWanted, heardMs: this.#options.clock.now() };
    this.#mirrors.set(run, mirror);
    const stop = log.listen(() => {
      if (!log.ended) return;
      stop();
      if (this.#mirrors.get(run) === mirror) this.#remove(run);
    });
    return mirror;
  }

  #remove(run: string): void {
    this.#mirrors.delete(run);
    this.#follower.unfollow(run);
    this.#options.onRemove(run);
  }

  /** A reader of this instance wants a run, perhaps again. */
  want(run: string): void {
    const mirror = this.#mirrors.get(run);
    if (mirror === undefined || mirror.isWanted) return;
    mirror.isWanted = true;
    // Renewed with the next ones, if Redis is away now.
    this.#options.store.renewLeases([run]).catch(() => {});
  }

  /**
   * This instance does not want a generation any more. Returns whether it goes on here: for
   * others, since this instance works on it, or for the requests that are counted here.
   */
  handleUnwanted(generation: Generation, end: FinalEvent): boolean {
    const { inFlight } = this.#options;
    const mirror = this.#mirrors.get(generation.id);
    if (mirror?.generation !== generation) return false;
    if (mirror.isWanted) void this.#dropLease(generation.id, end);
    mirror.isWanted = false;
    if (mirror.isOwned) return true;
    const requests = inFlight.requestsOf(generation);
    if (requests.some(({ isCopy }) => !isCopy)) return true;
    // Copies are found again by their ids, wherever somebody asks for them.
    for (const copy of requests) inFlight.forget(copy);
    return false;
  }

  /** Never rejects. */
  async #dropLease(run: string, end: FinalEvent): Promise<void> {
    const { store } = this.#options;
    try {
      await store.dropLease(run);
      const [wishes] = await store.wishes([run]);
      if (wishes === undefined || !isUnwanted(wishes)) return;
      if (this.#mirrors.get(run)?.isOwned === true) this.#options.checkOwned(run);
      else await this.#endWaiting(run, end);
    } catch {
      // The lease ends by itself, and the owner or the janitor sees that.
    }
  }

  /** Ends a run whose last request was cancelled. Rejects if Redis does. */
  async endCancelled(run: string, by: CancelledBy): Promise<void> {
    const mirror = this.#mirrors.get(run);
    if (mirror?.isOwned === true) mirror.generation.finish(cancelledEnd(by));
    else await this.#endWaiting(run, cancelledEnd(by));
  }

  /** If a worker has it, that looks within a second, and at once when it gets the change. */
  async #endWaiting(run: string, end: FinalEvent): Promise<void> {
    const { store, line } = this.#options;
    if (await line().withdraw(run)) await store.end(run, end);
  }

  #handleEntry(run: string, id: string, fields: readonly string[]): void {
    const mirror = this.#mirrors.get(run);
    if (mirror === undefined || mirror.isOwned) return;
    const { generation } = mirror;
    const { log } = generation;
    const { clock, serverOf } = this.#options;
    mirror.heardMs = clock.now();
    const { events, model } = decodeEntry(fields);
    if (events === undefined || log.ended) return;
    if (model !== undefined && model !== generation.model) {
      // The key says the model that was asked for. See `Generation.retarget`.
      generation.model = model;
      generation.key = undefined;
    }
    const [first] = events;
    if (first?.type === 'started') {
      const server = serverOf(first.server);
      generation.startElsewhere(generation.startedAt ?? clock.now(), server);
      generation.model = first.model;
      log.setStatus({
        type: 'status',
        status: 'processing',
        queue_position: 0,
        queue_length: 0,
        estimated_wait_time: 0,
      });
      return;
    }
    // What is here already is not appended again; a gap is filled from the beginning.
    const known = log.lastNumber - (parseEntryId(id).number - events.length);
    if (known < 0) {
      // Redis has lost entries if the gap is there the second time, too.
      if (mirror.gapAfter === log.lastNumber) generation.finish(WORKER_LOST);
      else {
        mirror.gapAfter = log.lastNumber;
        this.#follower.follow(run, LOG_START);
      }
      return;
    }
    for (const event of events.slice(known)) {
      if (event.type === 'started') continue;
      if (isFinal(event)) {
        generation.unpack();
        generation.finish(event);
        return;
      }
      generation.firstTokenAt ??= clock.now();
      if ('text' in event) generation.tokens += 1;
      log.append(event);
    }
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#options.clock.after(SECOND_MS, () => {
      void this.#tick().finally(() => {
        if (this.#cancelTick !== undefined) this.#scheduleTick();
      });
    });
  }

  /** Never rejects. */
  async #tick(): Promise<void> {
    const { link, store, clock } = this.#options;
    this.#ticks += 1;
    const now = clock.now();
    if (!link.connection.isUsable) {
      this.#awaySinceMs ??= now;
      if (now - this.#awaySinceMs >= AWAY_MS) this.#startWaiting();
      return;
    }
    this.#awaySinceMs = undefined;
    try {
      await store.removeDiscarded();
      this.#areLeasesDue ||= this.#ticks % LEASE_TICKS === 0;
      if (this.#areLeasesDue) {
        const wanted = this.all().filter(({ isWanted }) => isWanted);
        await store.renewLeases(wanted.map(({ generation }) => generation.id));
        this.#areLeasesDue = false;
      }
      const silent = this.all()
        .filter(({ heardMs }) => now - heardMs >= SILENCE_MS)
        .filter(this.#isWaiting);
      for (let from = 0; from < silent.length; from += LOOKS)
        await Promise.all(silent.slice(from, from + LOOKS).map((mirror) => this.#lookAt(mirror)));
    } catch {
      // The guard has recorded the failure; the next tick does it again.
    }
  }

  /** Whether a run is left to others. One on its way into the line is not in Redis yet. */
  readonly #isWaiting = ({ generation, isOwned }: Mirror): boolean =>
    !isOwned && !this.#options.store.isEntering(generation.id);

  /** A run is silent: it waits, or it has ended without a word. Rejects if Redis does. */
  async #lookAt(mirror: Mirror): Promise<void> {
    const { store, clock } = this.#options;
    const { generation } = mirror;
    const run = generation.id;
    const stored = await store.find(run);
    mirror.heardMs = clock.now();
    if (this.#mirrors.get(run) !== mirror || mirror.isOwned) return;
    if (stored === undefined) this.#handleGone(mirror);
    else if (stored.finishedAt !== undefined) {
      for (const [id, fields] of await store.entries(run)) this.#handleEntry(run, id, fields);
      if (this.#mirrors.get(run) === mirror && !mirror.isOwned) generation.finish(WORKER_LOST);
    }
  }

  /** Redis has lost a run. What is not begun starts here. */
  #handleGone(mirror: Mirror): void {
    const { generation } = mirror;
    if (generation.state === 'queued' && !generation.isMirror) this.#startHere(generation);
    else generation.finish(WORKER_LOST);
  }

  /** Redis is away: what waits in its line and was submitted here starts here. */
  #startWaiting(): void {
    for (const { generation } of this.all().filter(this.#isWaiting))
      if (generation.state === 'queued' && !generation.isMirror) this.#startHere(generation);
  }

  #startHere(generation: Generation): void {
    const { store, inFlight, line, startHere } = this.#options;
    const requests = inFlight.requestsOf(generation);
    for (const request of requests) setUnsaved(request);
    store.discard(generation.id, requests);
    this.release(generation);
    // Where Redis fails, the line removes the job once it is there; a worker that is faster finds
    // no run.
    line()
      .withdraw(generation.id)
      .catch(() => {});
    startHere(generation);
  }

  close(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    this.#follower.close();
  }
}
