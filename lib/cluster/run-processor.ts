import { setTimeout as delay } from 'node:timers/promises';
import { attemptOffset } from '#lib/chat/generation/event-numbers';
import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Scheduler } from '#lib/chat/scheduler/scheduler';
import type { Clock } from '#lib/clock';
import type { AloneRun, AloneRuns } from '#lib/cluster/alone-runs';
import { LogWriter } from '#lib/cluster/log-writer';
import { cancelledEnd, WORKER_LOST } from '#lib/cluster/lost-runs';
import type { Mirrors } from '#lib/cluster/mirrors';
import { adoptRun, type OwnedRun, otherSource, requestsOf } from '#lib/cluster/owned-run';
import { isFinal } from '#lib/cluster/run-format';
import { isUnwanted } from '#lib/cluster/run-leases';
import type { LogEntry } from '#lib/cluster/run-logs';
import { RunStart } from '#lib/cluster/run-start';
import { RunVerifier } from '#lib/cluster/run-verifier';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, LocalLane, RunOutcome, TakenRun } from '#lib/cluster/shared-types';
import type { AppError } from '#lib/errors';
import type { Logger } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** Leases that could not be renewed while Redis was away say nothing. */
const LEASE_TRUST_MS = 10 * SECOND_MS;
const RETRY_MS = 500;
/** A run that cannot be begun so often, although Redis is there, is at fault itself. */
const MAX_FAILURES = 5;
const RENEW_TICKS = 60;
/** How long a stop waits for what is to be written. */
const CLOSE_MS = 3 * SECOND_MS;

export interface RunProcessorOptions {
  readonly link: ClusterLink;
  readonly store: RunStore;
  readonly mirrors: Mirrors;
  readonly inFlight: InFlight;
  readonly clock: Clock;
  /** The lane of a server in the local scheduler. */
  readonly laneOf: (id: string) => LocalLane | undefined;
  readonly local: Pick<Scheduler, 'admit'>;
  /** What this instance does by itself since Redis was away. */
  readonly alone: () => Pick<AloneRuns, 'get' | 'giveUp' | 'forget'>;
  readonly log: Logger;
}

/** Works on the runs that this instance has taken, and writes their logs. */
export class RunWork {
  readonly #options: RunProcessorOptions;
  readonly #owned = new Map<string, OwnedRun>();
  /**
   * Jobs that workers of this instance have. Of one run there may be two: the lock of the first has
   * run out while this instance was busy.
   */
  readonly #taken = new Set<TakenRun>();
  /** Runs that are begun or worked on for one of these. */
  readonly #processed = new Set<string>();
  readonly #adopting = new Map<string, Promise<boolean>>();
  readonly #verifier: RunVerifier;
  readonly #start: RunStart;
  #cancelTick: (() => void) | undefined;
  #ticks = 0;
  #usableSinceMs: number;
  #isClosing = false;

  constructor(options: RunProcessorOptions) {
    this.#options = options;
    this.#usableSinceMs = options.clock.now() - LEASE_TRUST_MS;
    this.#verifier = new RunVerifier({
      ...options,
      owned: () => this.#owned.values(),
      writeAgain: (owned) => void this.#write(owned),
    });
    this.#start = new RunStart({
      ...options,
      isOwned: (run) => this.#owned.has(run),
      areLeasesKnown: () => this.#areLeasesKnown,
    });
    this.#scheduleTick();
  }

  /** Whether a response that has begun would be lost if this instance ended now. */
  get hasWritten(): boolean {
    for (const { generation } of this.#owned.values())
      if (generation.finishedAt === undefined && generation.log.lastNumber > 0) return true;
    return false;
  }

  /** Whether a worker of this instance has the job of a run. */
  isTaking(run: string): boolean {
    return [...this.#taken].some((taken) => taken.run === run);
  }

  /** See `RunProcessor`. */
  async process(taken: TakenRun): Promise<RunOutcome> {
    this.#taken.add(taken);
    try {
      return await this.#processUntilDone(taken);
    } finally {
      this.#taken.delete(taken);
    }
  }

  async #processUntilDone(taken: TakenRun): Promise<RunOutcome> {
    for (let failures = 0; ; ) {
      if (this.#isClosing) return 'again';
      // Another worker has the job, and does what is to be done.
      if (taken.signal.aborted) return 'ended';
      try {
        if (failures >= MAX_FAILURES) {
          await this.#giveUp(taken.run);
          return 'ended';
        }
        const outcome = await this.#processOnce(taken);
        if (outcome !== undefined) return outcome;
        await delay(SECOND_MS);
      } catch (error) {
        if (!this.#isClosing && this.#options.link.connection.isUsable) {
          failures += 1;
          this.#options.log.error({ err: error, run: taken.run }, 'a request of the shared queue could not be begun');
        }
        await delay(RETRY_MS);
      }
    }
  }

  /** Rejects if Redis does. */
  async #giveUp(run: string): Promise<void> {
    await this.#options.store.end(run, WORKER_LOST);
    this.#options.mirrors.get(run)?.generation.finish(WORKER_LOST);
  }

  /** Of two jobs of one run, the second waits for the first: both would write into one log. */
  async #processOnce(taken: TakenRun): Promise<RunOutcome | undefined> {
    if (this.#processed.has(taken.run)) return undefined;
    this.#processed.add(taken.run);
    return await this.#process(taken).finally(() => this.#processed.delete(taken.run));
  }

  /** Undefined if it is to be tried again in a while: another instance may work on it. */
  async #process(taken: TakenRun): Promise<RunOutcome | undefined> {
    const { run, lane: laneId, signal } = taken;
    const { store, mirrors, alone } = this.#options;
    const begun = alone().get(run);
    if (begun !== undefined) return await this.#goOn(begun);
    const prepared = await this.#start.prepare(taken);
    if (prepared === undefined || prepared === 'ended') return prepared;
    if (signal.aborted) return 'ended';
    const { lane, attempts, model, stored, request } = prepared;
    const beginning = store.begin(run, attempts + 1, { type: 'started', server: lane.server.id, model });
    // An older owner is refused from then on. The first attempt has none, and does not wait.
    const attempt = attempts === 0 ? 1 : await beginning;
    if (typeof attempt !== 'number') return 'ended';
    // In one turn from here on: who reads it here has the generation that is worked on.
    const generation = mirrors.get(run)?.generation ?? (stored && mirrors.make(run, stored));
    if (request !== undefined) generation?.adoptRequest(request);
    // It was cancelled here in the meantime.
    if (generation?.packedRequest === undefined) {
      await beginning;
      const { cancelledBy } = stored ?? (await store.find(run)) ?? {};
      await store.end(run, cancelledEnd(cancelledBy));
      return 'ended';
    }
    // This instance has begun to stop in the meantime.
    if (this.#isClosing) return await beginning.then((): RunOutcome => 'again');
    generation.eventOffset = attemptOffset(attempt);
    mirrors.own(generation, laneId);
    return await this.#run(generation, lane, { attempt, signal, beginning });
  }

  /** The job of a run that this instance has begun by itself is here now. */
  async #goOn({ generation, lane, requests }: AloneRun): Promise<RunOutcome | undefined> {
    const { alone } = this.#options;
    const { id: run } = generation;
    if (await this.adopt({ generation, lane, requests })) {
      alone().forget(run);
      return await this.#owned.get(run)?.over;
    }
    alone().giveUp(run);
    return undefined;
  }

  /**
   * Goes on, as its owner, with a run that this instance has begun by itself: writes what there is
   * of it. Resolves with false where that is not possible: see `adoptRun`. Rejects if Redis does,
   * and can be called again.
   */
  async adopt(alone: AloneRun): Promise<boolean> {
    const { id: run } = alone.generation;
    // By the worker that gets its job, and by what settles such runs.
    let adopting = this.#adopting.get(run);
    if (adopting === undefined) {
      adopting = this.#adopt(alone).finally(() => this.#adopting.delete(run));
      this.#adopting.set(run, adopting);
    }
    return await adopting;
  }

  async #adopt(alone: AloneRun): Promise<boolean> {
    const { store, mirrors, link } = this.#options;
    const { generation, lane } = alone;
    const adopted = await adoptRun(alone, store, link);
    if (adopted === undefined) return false;
    const { attempt, wanted } = adopted;
    generation.eventOffset = attemptOffset(attempt);
    if (generation.finishedAt === undefined) mirrors.own(generation, lane);
    this.#write({ generation, lane, attempt, requests: () => wanted });
    return true;
  }

  /** `signal` aborts when another worker gets the job. */
  async #run(
    generation: Generation,
    lane: LocalLane,
    { attempt, signal, beginning }: { attempt: number; signal: AbortSignal; beginning: Promise<number | LogEntry> },
  ): Promise<RunOutcome> {
    const { local, clock } = this.#options;
    const owned = this.#write({ generation, lane: lane.server.id, attempt }, beginning);
    const handleLoss = () => {
      owned.isContested = true;
      void owned.writer.checkFence();
    };
    signal.addEventListener('abort', handleLoss, { once: true });
    if (signal.aborted) handleLoss();
    try {
      if (!lane.hasSlot) generation.pack();
      local.admit(generation, lane, clock.now(), true);
      return await owned.over;
    } catch (error) {
      owned.writer.close();
      throw error;
    } finally {
      signal.removeEventListener('abort', handleLoss);
    }
  }

  /** Writes the log of a run of this instance, from its beginning, once Redis has its attempt. */
  #write(
    begun: Pick<OwnedRun, 'generation' | 'lane' | 'attempt'> & Partial<OwnedRun>,
    beginning?: Promise<number | LogEntry>,
  ): OwnedRun {
    const { store, clock, inFlight } = this.#options;
    const { generation, attempt, lane } = begun;
    const { id: run, log, model } = generation;
    const other = () => otherSource(generation, { model, server: lane });
    let isBegun = beginning === undefined;
    const isHeld = () => !isBegun || this.#verifier.look();
    const writer = new LogWriter({ store, run, attempt, log, other, clock, isHeld });
    const { promise: over, resolve } = Promise.withResolvers<RunOutcome>();
    const requests = begun.requests ?? requestsOf(generation, inFlight);
    const owned: OwnedRun = { ...begun, requests, writer, isReturned: false, isContested: false, over };
    this.#owned.set(run, owned);
    if (beginning !== undefined)
      void this.#confirm(owned, beginning).then(() => {
        isBegun = true;
        writer.resume();
        // It may have been cancelled before it was begun.
        void this.check(run);
      });
    void this.#finishWriting(owned).then((outcome) => {
      // It may be written again by now.
      if (this.#owned.get(run) === owned) this.#owned.delete(run);
      resolve(outcome);
    });
    return owned;
  }

  /** Resolves when Redis has the attempt, or another instance the run. Never rejects. */
  async #confirm(owned: OwnedRun, beginning: Promise<number | LogEntry>): Promise<void> {
    try {
      const begun = await beginning;
      if (typeof begun !== 'number') owned.writer.fence(begun);
      else if (begun !== owned.attempt) this.#verifier.renumber(owned, begun);
    } catch {
      // The guard has recorded the failure: what Redis has of the run is not known.
      while (!owned.writer.isClosed && !(await this.#verifier.restore(owned))) await delay(RETRY_MS);
    }
  }

  /** Never rejects. */
  async #finishWriting(owned: OwnedRun): Promise<RunOutcome> {
    const { store } = this.#options;
    const { generation, writer } = owned;
    const { id: run, log } = generation;
    const end = await writer.ended;
    if (end === 'written') {
      const final = log.eventAt(log.lastNumber);
      if (isFinal(final)) await this.#finalize(run, () => store.finalize(run, final, generation.firstTokenAt));
      this.#verifier.handleEnded(owned);
      return 'ended';
    }
    if (end === 'closed') return owned.isReturned ? 'again' : 'ended';
    this.#handOver(generation, writer.successor);
    return 'ended';
  }

  /** Another instance has ended the run, or has begun it again. */
  #handOver(generation: Generation, successor: LogEntry | undefined): void {
    const end = successor?.events.at(-1);
    if (isFinal(end) && end.type === 'error') {
      generation.endOffset = attemptOffset(successor?.id.attempt ?? 1);
      generation.finish(end);
    } else this.#options.mirrors.supersede(generation);
  }

  /** The last entry is written: the rest is done as soon as Redis is there. */
  async #finalize(run: string, finalize: () => Promise<void>): Promise<void> {
    while (!this.#isClosing || this.#options.link.connection.isUsable) {
      try {
        if (this.#verifier.look()) throw new Error('what Redis has of it was not looked at yet');
        await finalize();
        return;
      } catch {
        // The guard has recorded the failure. If this instance ends, the janitor does it.
        await delay(RETRY_MS);
      }
    }
    this.#options.log.warn({ run }, 'a finished request is left to another server');
  }

  /** Looks now whether a run of this instance is to end. Never rejects. */
  async check(run: string): Promise<void> {
    if (this.#owned.has(run)) await this.#check([run]).catch(ignore);
  }

  /** Rejects if Redis does. */
  async #check(runs: readonly string[]): Promise<void> {
    const { store, link } = this.#options;
    const wishes = await store.wishes(runs);
    for (const [index, run] of runs.entries()) {
      const wish = wishes[index];
      // Another one may have begun the run, or be lost before it has.
      if (wish?.owner !== undefined && wish.owner !== link.instanceId) void this.#owned.get(run)?.writer.checkFence();
      if (wish === undefined || !isUnwanted(wish)) continue;
      if ((wish.cancelledBy === undefined || wish.tickets > 0) && !this.#areLeasesKnown) continue;
      this.#owned.get(run)?.generation.finish(cancelledEnd(wish.cancelledBy));
    }
  }

  get #areLeasesKnown(): boolean {
    const sinceMs = Math.max(this.#usableSinceMs, this.#verifier.verifiedAtMs);
    return !this.#verifier.look() && this.#options.clock.now() - sinceMs >= LEASE_TRUST_MS;
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
    const { link, store, mirrors, clock } = this.#options;
    if (!link.connection.isUsable) {
      this.#usableSinceMs = clock.now();
      return;
    }
    if (this.#verifier.look()) return;
    this.#verifier.forgetOld();
    this.#ticks += 1;
    const runs = [...this.#owned.keys()];
    for (const { writer, isContested } of this.#owned.values()) if (isContested) void writer.checkFence();
    try {
      await Promise.all([store.touch(runs), runs.length === 0 ? undefined : this.#check(runs)]);
      if (this.#ticks % RENEW_TICKS === 0)
        await store.renew([...new Set([...runs, ...mirrors.all().map(({ generation }) => generation.id)])]);
    } catch {
      // The guard has recorded the failure; the next tick does it again.
    }
  }

  /**
   * Gives back what has no text, and ends what has some: this instance stops. Resolves when that is
   * in Redis, or after 3 s.
   */
  async close(error: AppError): Promise<void> {
    this.#isClosing = true;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    const all = [...this.#owned.values()];
    for (const owned of all) {
      const { generation, writer } = owned;
      if (generation.finishedAt !== undefined) continue;
      if (generation.log.lastNumber > 0) generation.finish(WORKER_LOST);
      else {
        owned.isReturned = true;
        writer.close();
        generation.finish({ type: 'error', error });
      }
    }
    await Promise.race([Promise.all(all.map(({ over }) => over)), delay(CLOSE_MS, undefined, { ref: false })]);
  }
}

function ignore(): void {
  // The guard has recorded the failure; the next tick does it again.
}
