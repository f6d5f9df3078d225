const CHECK_INTERVAL_MS = 1_000;

/** A client that sends or reads a body while a connection to a backend waits for it. */
export interface ClientTransfer {
  /** How long the client is waited for before its rate counts. */
  readonly graceMs: number;
  readonly movedBytes: number;
  /** How long it was waited for, without the time in which it was paused itself. */
  waitedMs(nowMs: number): number;
  /** Called once. */
  onTooSlow(): void;
}

/**
 * Minimum data rate, against slow clients that hold connections (slowloris). Ends transfers whose
 * average over the time the client was waited for is below it.
 */
export class SlowClients {
  readonly #minBytesPerSecond: number;
  readonly #transfers = new Set<ClientTransfer>();
  #timer: NodeJS.Timeout | undefined;

  /** 0 disables the limit. */
  constructor(minBytesPerSecond: number) {
    this.#minBytesPerSecond = minBytesPerSecond;
  }

  watch(transfer: ClientTransfer): void {
    if (this.#minBytesPerSecond === 0) return;
    this.#transfers.add(transfer);
    this.#timer ??= setInterval(() => this.#check(performance.now()), CHECK_INTERVAL_MS).unref();
  }

  unwatch(transfer: ClientTransfer): void {
    this.#transfers.delete(transfer);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#transfers.clear();
  }

  #check(nowMs: number): void {
    if (this.#transfers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    for (const transfer of this.#transfers) {
      const waitedMs = transfer.waitedMs(nowMs);
      if (waitedMs < transfer.graceMs || transfer.movedBytes >= (waitedMs / 1000) * this.#minBytesPerSecond) continue;
      this.#transfers.delete(transfer);
      transfer.onTooSlow();
    }
  }
}

export class Stopwatch {
  #totalMs = 0;
  #sinceMs: number | undefined;

  start(nowMs = performance.now()): void {
    this.#sinceMs ??= nowMs;
  }

  stop(nowMs = performance.now()): void {
    if (this.#sinceMs === undefined) return;
    this.#totalMs += nowMs - this.#sinceMs;
    this.#sinceMs = undefined;
  }

  elapsedMs(nowMs: number): number {
    return this.#totalMs + (this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs);
  }
}
