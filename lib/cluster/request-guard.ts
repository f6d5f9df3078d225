import type { Clock } from '#lib/clock';
import { SECOND_MS } from '#lib/units';

/** Failures in a row, probes included, that are reported. */
const REPORTED_FAILURES = 3;
const PROBE_INTERVAL_MS = SECOND_MS;
/** Failed probes after which the connection is made again: it may be half open. */
const STUCK_PROBES = 3;

export interface RequestGuardOptions {
  readonly clock: Clock;
  /** Resolves if Redis responds. */
  readonly probe: () => Promise<unknown>;
  readonly onDown: (reason: string) => void;
  readonly onUp: () => void;
  /** The connection is there, and Redis has not responded to several probes. */
  readonly onStuck: () => void;
}

/**
 * Circuit breaker over all commands of the request path. The first failure opens it, so that a
 * request waits for one command at most; a probe at once, and then one each second, closes it. Only
 * what lasts is reported: once when it is down, once when it is up again.
 */
export class RequestGuard {
  readonly #options: RequestGuardOptions;
  #failures = 0;
  #failedProbes = 0;
  #isOpen = false;
  #openings = 0;
  #isDown = false;
  #isProbing = false;
  #isClosed = false;
  #cancelProbe: (() => void) | undefined;

  constructor(options: RequestGuardOptions) {
    this.#options = options;
  }

  /** Commands are refused at once. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /**
   * How often it has opened. A command that was sent before it opened last fails with the one that
   * has opened it, and is none of the failures to count.
   */
  get openings(): number {
    return this.#openings;
  }

  /** It was reported. */
  get isDown(): boolean {
    return this.#isDown;
  }

  recordSuccess(): void {
    // What was sent before the failure says nothing of the time after it; the probe does.
    if (!this.#isOpen) this.#failures = 0;
  }

  recordFailure(reason: string): void {
    if (this.#isClosed) return;
    this.#failures += 1;
    if (this.#failures >= REPORTED_FAILURES && !this.#isDown) {
      this.#isDown = true;
      this.#options.onDown(reason);
    }
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#openings += 1;
    this.#schedule(0);
  }

  /** Probes now, such as after a new connection. */
  probeNow(): void {
    if (this.#isOpen && !this.#isClosed) this.#schedule(0);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelProbe?.();
  }

  #schedule(ms: number): void {
    this.#cancelProbe?.();
    this.#cancelProbe = this.#options.clock.after(ms, () => void this.#probe());
  }

  async #probe(): Promise<void> {
    if (this.#isProbing) return;
    this.#isProbing = true;
    try {
      await this.#options.probe();
      this.#failures = 0;
      this.#failedProbes = 0;
      this.#isOpen = false;
      if (this.#isDown && !this.#isClosed) {
        this.#isDown = false;
        this.#options.onUp();
      }
    } catch (error) {
      this.#failedProbes += 1;
      this.recordFailure(error instanceof Error ? error.message : String(error));
      if (this.#failedProbes % STUCK_PROBES === 0 && !this.#isClosed) this.#options.onStuck();
      if (!this.#isClosed) this.#schedule(PROBE_INTERVAL_MS);
    } finally {
      this.#isProbing = false;
    }
  }
}
