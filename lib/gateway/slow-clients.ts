const CHECK_INTERVAL_MS = 1_000;

/**
 * Bytes that a client sends or takes at its own pace, while a connection to a backend waits for it.
 */
export interface ClientTransfer {
  /** How long the client is given before its pace counts. */
  readonly graceMs: number;
  /** How many bytes it has moved so far. */
  readonly movedBytes: number;
  /** How long it was waited for so far, without the time in which it had to wait itself. */
  waitedMs(nowMs: number): number;
  /** It is slower than it may be. Called once. */
  onTooSlow(): void;
}

/**
 * Ends transfers that stay below a number of bytes a second, on average over the time that the
 * client was waited for.
 */
export class SlowClients {
  readonly #leastBytesPerSecond: number;
  readonly #transfers = new Set<ClientTransfer>();
  #timer: NodeJS.Timeout | undefined;

  /** 0 ends none. */
  constructor(leastBytesPerSecond: number) {
    this.#leastBytesPerSecond = leastBytesPerSecond;
  }

  watch(transfer: ClientTransfer): void {
    if (this.#leastBytesPerSecond === 0) return;
    this.#transfers.add(transfer);
    this.#timer ??= setInterval(() => this.#look(performance.now()), CHECK_INTERVAL_MS).unref();
  }

  unwatch(transfer: ClientTransfer): void {
    this.#transfers.delete(transfer);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#transfers.clear();
  }

  #look(nowMs: number): void {
    if (this.#transfers.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    for (const transfer of this.#transfers) {
      const waitedMs = transfer.waitedMs(nowMs);
      if (waitedMs < transfer.graceMs || transfer.movedBytes >= (waitedMs / 1000) * this.#leastBytesPerSecond) continue;
      this.#transfers.delete(transfer);
      transfer.onTooSlow();
    }
  }
}

/** A clock that can be stopped. */
export class Stopwatch {
  #beforeMs = 0;
  #sinceMs: number | undefined;

  start(nowMs = performance.now()): void {
    this.#sinceMs ??= nowMs;
  }

  stop(nowMs = performance.now()): void {
    if (this.#sinceMs === undefined) return;
    this.#beforeMs += nowMs - this.#sinceMs;
    this.#sinceMs = undefined;
  }

  elapsedMs(nowMs: number): number {
    return this.#beforeMs + (this.#sinceMs === undefined ? 0 : nowMs - this.#sinceMs);
  }
}
