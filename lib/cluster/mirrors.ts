import type { EngineParts } from '#lib/chat/engine-parts';
import { ABANDONED } from '#lib/chat/generation/cancellation';
import { ALONE_OFFSET } from '#lib/chat/generation/event-numbers';
import type { FinalEvent, Generation, GenerationContext } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Clock } from '#lib/clock';
import { Follower, LOG_START } from '#lib/cluster/follower';
import { cancelledEnd, WORKER_LOST } from '#lib/cluster/lost-runs';
import { applyEntry, type Mirror, mirrorOf, ofLastAttempt, type RawEntry, successorOf } from '#lib/cluster/mirror';
import type { StoredRun } from '#lib/cluster/run-format';
import { isUnwanted } from '#lib/cluster/run-leases';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, SharedLine } from '#lib/cluster/shared-types';
import { accountOf, SuccessorUsage } from '#lib/cluster/successor-usage';
import { supersede } from '#lib/cluster/superseded';
import type { ModelServer } from '#lib/models/model-server';
import type { CancelledBy } from '#lib/wire/chat-queue';

export type { Mirror } from '#lib/cluster/mirror';

export interface MirrorsOptions {
  readonly link: ClusterLink;
  readonly store: RunStore;
  readonly inFlight: InFlight;
  readonly usage: Pick<EngineParts['usage'], 'record'>;
  readonly clock: Clock;
  readonly context: () => GenerationContext;
  readonly serverOf: (id: string) => ModelServer | undefined;
  readonly line: () => SharedLine;
  /** Looks now whether a run that this instance works on is to end. */
  readonly checkOwned: (run: string) => void;
  /** A run has ended for this instance. */
  readonly onRemove: (run: string) => void;
}

/** The log of a run that has entered the line is read after this time: there is no text yet. */
const FOLLOW_AFTER_MS = 1;

/**
 * The generations of runs on this instance: those that were submitted here, and those that somebody
 * reads here. Their logs are fed by the follower, unless this instance works on the run.
 */
export class Mirrors {
  readonly #options: MirrorsOptions;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #loading = new Map<string, Promise<Generation | undefined>>();
  readonly #follower: Follower;
  readonly #usage: SuccessorUsage;

  constructor(options: MirrorsOptions) {
    this.#options = options;
    this.#follower = new Follower(options.link, (run, id, fields) => this.applyEntry(run, id, fields));
    this.#usage = new SuccessorUsage({
      generationOf: (run) => this.of(run),
      record: (usage) => options.usage.record(usage),
    });
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
  }

  /** A run that was begun here is in the line: its events are read from its log from now on. */
  handleAdmitted(generation: Generation): void {
    // Where a slot is free, this instance has often begun it by then, and reads nothing.
    setTimeout(() => {
      const mirror = this.#mirrors.get(generation.id);
      const isElsewhere = mirror?.generation === generation && !mirror.isOwned && !mirror.isAlone;
      if (isElsewhere) this.#follower.follow(generation.id);
    }, FOLLOW_AFTER_MS).unref();
  }

  /** This instance works on the run from now on. */
  own(generation: Generation, lane: string): void {
    generation.runsElsewhere = false;
    const mirror = this.#mirrors.get(generation.id) ?? this.#add(generation, lane, false);
    mirror.isOwned = true;
    mirror.isAlone = false;
    this.#follower.unfollow(generation.id);
  }

  /** Redis is away: this instance begins the run by itself. */
  beginAlone(mirror: Mirror): void {
    mirror.generation.runsElsewhere = false;
    mirror.generation.eventOffset = ALONE_OFFSET;
    mirror.isAlone = true;
    this.#follower.unfollow(mirror.generation.id);
  }

  /** There was no room for it here. */
  waitAgain(mirror: Mirror): void {
    mirror.generation.runsElsewhere = true;
    mirror.generation.eventOffset = 0;
    mirror.isAlone = false;
    this.#follower.follow(mirror.generation.id);
  }

  /**
   * Another instance works on a run that was begun here, too. Its readers, who have no text yet,
   * get that one's; what this instance does of it ends unseen.
   */
  giveUpAlone(generation: Generation): void {
    const { inFlight, context } = this.#options;
    const { id: run } = generation;
    const mirror = this.#mirrors.get(run);
    if (mirror?.generation !== generation || generation.finishedAt !== undefined) return;
    const successor = successorOf(generation, context());
    // The end of the first one removes nothing.
    this.#mirrors.delete(run);
    this.#add(successor, mirror.lane, mirror.isWanted);
    const requests = inFlight.requestsOf(generation);
    for (const request of requests) {
      generation.requests?.delete(request);
      request.begin(successor, request);
      successor.attach(request);
    }
    generation.finish({ type: 'error', error: ABANDONED });
    inFlight.registerLeader(successor);
    this.#follower.follow(run);
    for (const request of requests) request.notifyReaders();
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
  async of(run: string): Promise<Generation | undefined> {
    const known = this.#mirrors.get(run);
    if (known !== undefined) return known.generation;
    let loading = this.#loading.get(run);
    if (loading === undefined) {
      loading = this.#load(run).finally(() => this.#loading.delete(run));
      this.#loading.set(run, loading);
    }
    return await loading;
  }

  async #load(run: string): Promise<Generation | undefined> {
    const { store } = this.#options;
    const { stored, entries } = await store.readAll(run);
    if (stored === undefined) return undefined;
    // It may have begun here in the meantime.
    const known = this.#mirrors.get(run);
    if (known !== undefined) return known.generation;
    const generation = this.make(run, stored);
    this.#add(generation, stored.lane, false);
    this.applyEntries(run, entries);
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
  make(run: string, stored: StoredRun): Generation {
    return mirrorOf(run, stored, this.#options);
  }

  #add(generation: Generation, lane: string, isWanted: boolean): Mirror {
    const { id: run, log } = generation;
    const { clock, link } = this.#options;
    const { epoch } = link.connection;
    const heardMs = clock.now();
    const mirror: Mirror = { generation, lane, isOwned: false, isAlone: false, isWanted, heardMs, epoch };
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
    // Of those who may want it elsewhere, none gets what is done here.
    if (mirror.isAlone) return false;
    const requests = inFlight.requestsOf(generation);
    if (requests.length === 0) return false;
    if (requests.some(({ isCopy }) => !isCopy)) return true;
    // Copies are found again by their ids, wherever somebody asks for them. For a reply that is on
    // its way they go on: the request is not cancelled.
    this.supersede(generation);
    return true;
  }

  /** Never rejects. */
  async #dropLease(run: string, end: FinalEvent): Promise<void> {
    const { store } = this.#options;
    try {
      await store.dropLease(run);
      const [wishes] = await store.wishes([run]);
      if (wishes === undefined || !isUnwanted(wishes)) return;
      if (this.#mirrors.get(run)?.isOwned === true) this.#options.checkOwned(run);
      else await this.endWaiting(run, end);
    } catch {
      // The lease ends by itself, and the owner or the janitor sees that.
    }
  }

  /** See `superseded.ts`. A run that was submitted here is charged for here from now on, too. */
  supersede(generation: Generation): void {
    const { inFlight } = this.#options;
    const account = accountOf(generation, inFlight.requestsOf(generation));
    supersede(generation, inFlight);
    if (account !== undefined) void this.#usage.charge(account);
  }

  /** Ends a run whose last request was cancelled. Rejects if Redis does. */
  async endCancelled(run: string, by: CancelledBy): Promise<void> {
    const mirror = this.#mirrors.get(run);
    if (mirror?.isOwned === true) mirror.generation.finish(cancelledEnd(by));
    else await this.endWaiting(run, cancelledEnd(by));
  }

  /**
   * Ends a run that waits. If a worker has it, that looks within a second, and at once when it gets
   * the change. Rejects if Redis does.
   */
  async endWaiting(run: string, end: FinalEvent): Promise<void> {
    const { store, line } = this.#options;
    if (await line().withdraw(run)) await store.end(run, end);
  }

  /** All entries of the log of a run. */
  applyEntries(run: string, entries: readonly RawEntry[]): void {
    for (const [id, fields] of ofLastAttempt(entries)) this.applyEntry(run, id, fields);
  }

  /** An entry of the log of a run. A gap is filled from the beginning. */
  applyEntry(run: string, id: string, fields: readonly string[]): void {
    const mirror = this.#mirrors.get(run);
    if (mirror === undefined || mirror.isOwned || mirror.isAlone) return;
    const result = applyEntry(mirror, id, fields, this.#options);
    if (result === 'applied') return;
    const { generation } = mirror;
    if (result === 'superseded') {
      this.supersede(generation);
      return;
    }
    // Redis has lost entries if the gap is there the second time, too.
    if (mirror.gapAfter === generation.log.lastNumber) generation.finish(WORKER_LOST);
    else {
      mirror.gapAfter = generation.log.lastNumber;
      this.#follower.follow(run, LOG_START);
    }
  }

  close(): void {
    this.#usage.close();
    this.#follower.close();
  }
}
