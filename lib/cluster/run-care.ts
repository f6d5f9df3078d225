import type { QueueStatusEvent } from '#lib/chat/generation/generation-log';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Clock } from '#lib/clock';
import type { AloneRuns } from '#lib/cluster/alone-runs';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import { PROCESSING } from '#lib/cluster/mirror';
import type { Mirror, Mirrors } from '#lib/cluster/mirrors';
import type { RunRecovery } from '#lib/cluster/run-recovery';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, SharedLine } from '#lib/cluster/shared-types';
import type { UnsharedRuns } from '#lib/cluster/unshared-runs';
import { SECOND_MS } from '#lib/units';
import type { CancelledBy } from '#lib/wire/chat-queue';

/** A run that is silent for this long is looked at. */
const SILENCE_MS = 3 * SECOND_MS;
/** How often leases are renewed, however long a tick takes: they end after 15 s. */
const LEASE_INTERVAL_MS = 5 * SECOND_MS;
/** Once Redis is away for this long, what waits in it for a reader here is begun here. */
const AWAY_MS = 5 * SECOND_MS;
/**
 * After Redis was away for that long, workers begin again with the tick of a second after the first
 * one: by then each instance has taken out of the line what it has begun by itself.
 */
const HOLD_TICKS = 1;
/** A run that Redis has lost is written again by the instances that know it, within this time. */
const GONE_MS = 10 * SECOND_MS;
/** Silent runs that are looked at in one trip: more commands would hold up others. */
const LOOKS = 200;

export interface RunCareOptions {
  readonly link: Pick<ClusterLink, 'connection'>;
  readonly store: RunStore;
  readonly mirrors: Mirrors;
  readonly alone: AloneRuns;
  readonly unshared: Pick<UnsharedRuns, 'share'>;
  readonly recovery: RunRecovery;
  readonly line: () => SharedLine;
  readonly inFlight: Pick<InFlight, 'requestsOf'>;
  readonly clock: Clock;
}

/**
 * Looks each second after the runs of this instance that others work on: renews its leases, finds
 * runs that have ended without a word, and does what is due while Redis is away and when it is
 * back.
 */
export class RunCare {
  readonly #options: RunCareOptions;
  #cancelTick: (() => void) | undefined;
  #leasedMs: number;
  /** Requests that were cancelled while Redis was away, by their ids. */
  readonly #cancelled = new Map<string, { readonly run: string; readonly by: CancelledBy }>();
  #awaySinceMs: number | undefined;
  /** Ticks with Redis until workers take runs again. */
  #heldTicks = 0;

  constructor(options: RunCareOptions) {
    this.#options = options;
    this.#leasedMs = options.clock.now();
    this.#scheduleTick();
  }

  /** A request was cancelled while Redis was away: that is written once it is back. */
  cancelLater(ticket: string, run: string, by: CancelledBy): void {
    this.#cancelled.set(ticket, { run, by });
  }

  close(): void {
    this.#cancelTick?.();
    this.#cancelTick = undefined;
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
    const { link, store, mirrors, alone, unshared, recovery, line, clock } = this.#options;
    const now = clock.now();
    if (!link.connection.isUsable) {
      this.#awaySinceMs ??= now;
      if (now - this.#awaySinceMs >= AWAY_MS) {
        line().hold(true);
        this.#heldTicks = HOLD_TICKS;
        this.#beginWaiting();
        this.#sayLost();
      }
      return;
    }
    if (this.#awaySinceMs !== undefined) this.#sayFound();
    this.#awaySinceMs = undefined;
    // Whatever becomes of this tick: workers must not wait for ever.
    if (this.#heldTicks === 0) line().hold(false);
    else this.#heldTicks -= 1;
    try {
      // Before all that may take long: what has no lease is ended by others.
      await this.#renewLeases(now);
      await store.removeDiscarded();
      await recovery.recover();
      await alone.settle();
      await unshared.share();
      await this.#cancelLate();
      const silent = mirrors
        .all()
        .filter(({ heardMs }) => now - heardMs >= SILENCE_MS)
        .filter(this.#isElsewhere);
      for (let from = 0; from < silent.length; from += LOOKS) await this.#lookAt(silent.slice(from, from + LOOKS));
    } catch {
      // The guard has recorded the failure; the next tick does it again.
    }
  }

  /** Rejects if Redis does. */
  async #renewLeases(now: number): Promise<void> {
    const { store, mirrors } = this.#options;
    if (now - this.#leasedMs < LEASE_INTERVAL_MS) return;
    const wanted = mirrors.all().filter(({ isWanted }) => isWanted);
    await store.renewLeases(wanted.map(({ generation }) => generation.id));
    this.#leasedMs = now;
  }

  /** Rejects if Redis does. */
  async #cancelLate(): Promise<void> {
    const { store, mirrors } = this.#options;
    for (const [ticket, { run, by }] of this.#cancelled) {
      if (!(await store.cancelTicket(ticket, run, by))) await mirrors.endCancelled(run, by);
      this.#cancelled.delete(ticket);
    }
  }

  /** Whether a run is left to others. One on its way into the line is not in Redis yet. */
  readonly #isElsewhere = ({ generation, isOwned, isAlone }: Mirror): boolean =>
    !isOwned && !isAlone && !this.#options.store.isEntering(generation.id);

  /** Runs are silent: they wait, or have ended without a word. Rejects if Redis does. */
  async #lookAt(silent: readonly Mirror[]): Promise<void> {
    const { store, mirrors, clock } = this.#options;
    const fates = await store.fates(silent.map(({ generation }) => generation.id));
    for (const [index, mirror] of silent.entries()) {
      const { generation } = mirror;
      const run = generation.id;
      const isLeft = () => mirrors.get(run) === mirror && this.#isElsewhere(mirror);
      mirror.heardMs = clock.now();
      if (!isLeft()) continue;
      if (fates[index] === 'gone') this.#handleGone(mirror);
      else mirror.goneSinceMs = undefined;
      if (fates[index] !== 'ended') continue;
      mirrors.applyEntries(run, await store.entries(run));
      if (isLeft()) generation.finish(WORKER_LOST);
    }
  }

  /** Redis has lost a run. */
  #handleGone(mirror: Mirror): void {
    const { line, clock } = this.#options;
    const { generation, lane } = mirror;
    mirror.goneSinceMs ??= clock.now();
    // The instance that works on it, or has its request, writes it again.
    const isOver = clock.now() - mirror.goneSinceMs >= GONE_MS;
    const isHere = !generation.isMirror && generation.packedRequest !== undefined;
    if (isHere && generation.log.lastNumber === 0 && (generation.state === 'queued' || isOver)) {
      generation.requeue();
      line().enterAgain(generation, lane);
    } else if (isOver) generation.finish(WORKER_LOST);
  }

  /** Redis is away: what was submitted here and waits for a reader here begins here. */
  #beginWaiting(): void {
    const { mirrors, alone } = this.#options;
    const waiting = mirrors.all().filter(this.#isElsewhere);
    for (const mirror of waiting) if (this.#isRead(mirror)) alone.begin(mirror);
  }

  /** Readers learn that this instance does not reach those that work on their runs. */
  #sayLost(): void {
    for (const { generation } of this.#options.mirrors.all().filter(this.#isElsewhere)) {
      const { log, state } = generation;
      if (log.ended || log.status?.connection_lost === true) continue;
      const first: QueueStatusEvent = { ...PROCESSING, status: state === 'queued' ? 'queued' : 'processing' };
      log.setStatus({ ...(log.status ?? first), connection_lost: true });
    }
  }

  #sayFound(): void {
    for (const { generation } of this.#options.mirrors.all()) {
      const { log } = generation;
      if (log.status?.connection_lost === true) log.setStatus({ ...log.status, connection_lost: false });
    }
  }

  #isRead({ generation }: Mirror): boolean {
    if (generation.state !== 'queued' || generation.isMirror) return false;
    return this.#options.inFlight.requestsOf(generation).some(({ readers }) => readers !== undefined);
  }
}
