import { attemptOffset } from '#lib/chat/generation/event-numbers';
import type { Clock } from '#lib/clock';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import { type OwnedRun, restoreRun } from '#lib/cluster/owned-run';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink } from '#lib/cluster/shared-types';
import type { Logger } from '#lib/telemetry/log';
import { SECOND_MS } from '#lib/units';

/** A run that has ended lately is looked at, too: Redis may have lost its last moments. */
const ENDED_MS = 5 * SECOND_MS;

export interface RunVerifierOptions {
  readonly link: ClusterLink;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly log: Logger;
  /** Runs that this instance works on, or whose end it writes. */
  readonly owned: () => Iterable<OwnedRun>;
  /** Writes the log of a run again whose writer is done. */
  readonly writeAgain: (owned: OwnedRun) => void;
}

/**
 * Compares, after each new connection and before anything else is written, what Redis has of the
 * runs of this instance with what this instance has written, and writes again what is missing.
 */
export class RunVerifier {
  readonly #options: RunVerifierOptions;
  #ended: { readonly owned: OwnedRun; readonly atMs: number }[] = [];
  /** The connection over which Redis was looked at last. */
  #epoch: number;
  #isLooking = false;
  /** When Redis was looked at last. */
  verifiedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RunVerifierOptions) {
    this.#options = options;
    this.#epoch = options.link.connection.epoch;
  }

  /** Returns whether nothing is to be written yet. A look begins then, unless one is under way. */
  look(): boolean {
    const { connection } = this.#options.link;
    if (connection.epoch === this.#epoch) return false;
    if (!this.#isLooking && connection.isUsable) void this.#look();
    return true;
  }

  /** All of a run is written. */
  handleEnded(owned: OwnedRun): void {
    this.#ended.push({ owned, atMs: this.#options.clock.now() });
  }

  /** Forgets runs that have ended before. Not called while Redis is away. */
  forgetOld(): void {
    const now = this.#options.clock.now();
    this.#ended = this.#ended.filter(({ atMs }) => now - atMs < ENDED_MS);
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { link, clock, owned } = this.#options;
    this.#isLooking = true;
    const { epoch } = link.connection;
    try {
      const all = new Map(this.#ended.map((one) => [one.owned.generation.id, one.owned]));
      for (const one of owned()) all.set(one.generation.id, one);
      await Promise.all([...all.values()].map((one) => this.#restore(one)));
      this.#epoch = epoch;
      this.verifiedAtMs = clock.now();
    } catch {
      // The guard has recorded the failure; the next look does it again.
    }
    this.#isLooking = false;
  }

  /**
   * Compares what Redis has of one run with what this instance has written. Returns whether that
   * was done. Never rejects.
   */
  async restore(owned: OwnedRun): Promise<boolean> {
    if (this.look()) return false;
    try {
      await this.#tryRestore(owned);
      return true;
    } catch {
      // The guard has recorded a failure of Redis; it is tried again.
      return false;
    }
  }

  /** The log of a run is that of another attempt from now on. */
  renumber(owned: OwnedRun, attempt: number): void {
    owned.attempt = attempt;
    owned.generation.eventOffset = attemptOffset(attempt);
    owned.writer.renumber(attempt);
  }

  /** Rejects if Redis is away again. */
  async #restore(owned: OwnedRun): Promise<void> {
    const { link, log } = this.#options;
    try {
      await this.#tryRestore(owned);
    } catch (error) {
      // Else it would hold up all others.
      if (!link.connection.isUsable) throw error;
      log.error({ err: error, run: owned.generation.id }, 'what Redis has of a request could not be looked at');
    }
  }

  /** Rejects if Redis does. */
  async #tryRestore(owned: OwnedRun): Promise<void> {
    const { store, link, writeAgain } = this.#options;
    const { generation, writer } = owned;
    if (owned.isReturned) return;
    const restored = await restoreRun(owned, store, link);
    if (restored === undefined) return;
    if (restored === 'ended') {
      // There is another text under the numbers that readers have of this one.
      writer.close();
      if (generation.finishedAt !== undefined) return;
      generation.endOffset = attemptOffset(owned.attempt + 1);
      generation.finish(WORKER_LOST);
      return;
    }
    const { attempt, number } = restored;
    if (attempt !== owned.attempt) this.renumber(owned, attempt);
    if (!writer.isClosed) writer.rewind(number);
    else if (number < generation.log.lastNumber) writeAgain(owned);
  }
}
