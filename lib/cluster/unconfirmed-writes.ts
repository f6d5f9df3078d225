import { log } from '#lib/telemetry/log';
import { MIB } from '#lib/units';

/** Values that wait for Redis. A map of more would be a second cache. */
const MAX_KEPT = 20_000;
const MAX_KEPT_BYTES = 32 * MIB;
/** Memory of an entry without its value and key, rounded up. */
const ENTRY_BYTES = 400;
/** Values that are written together once Redis is back: more commands would hold up others. */
const AT_ONCE = 16;

/** One attempt to write a value. */
export interface WriteAttempt {
  /** It has waited: another server may have written a newer value meanwhile. */
  readonly isLate: boolean;
  /** Whether the value was neither replaced nor removed since. */
  isCurrent(): boolean;
}

export interface UnconfirmedWritesOptions<T> {
  /** What the values are, for the log: `stored responses`. */
  readonly what: string;
  /** Whether Redis takes a value now. */
  readonly canWrite: () => boolean;
  /** Sends a value in this turn. Rejects unless Redis has confirmed it, and in bounded time. */
  readonly write: (key: string, value: T, attempt: WriteAttempt) => Promise<void>;
  /** Memory of a value that waits, in bytes. */
  readonly bytesOf?: (value: T) => number;
}

/**
 * Write-behind with confirmation: values by key, of which the last one counts. A value that Redis
 * has not confirmed waits, and is written once Redis is back. A reply that names a value asks
 * `settled` whether other servers find it.
 */
export class UnconfirmedWrites<T> {
  readonly #options: UnconfirmedWritesOptions<T>;
  readonly #sent = new Map<string, Sent<T>>();
  /** The one that waits longest is first. */
  readonly #kept = new Map<string, T>();
  #keptBytes = 0;
  #isRetrying = false;
  #hasDropped = false;

  constructor(options: UnconfirmedWritesOptions<T>) {
    this.#options = options;
  }

  /** Values that wait for Redis. */
  get size(): number {
    return this.#kept.size;
  }

  /**
   * Writes a value in this turn, or keeps it. Resolves with whether it is written; never rejects.
   */
  send(key: string, value: T): Promise<boolean> {
    if (!this.#options.canWrite()) {
      this.keep(key, value);
      return UNSETTLED;
    }
    this.#release(key);
    const sent: Sent<T> = { value, confirmed: UNSETTLED };
    this.#sent.set(key, sent);
    sent.confirmed = this.#confirm(key, sent);
    return sent.confirmed;
  }

  /** Keeps a value until `retry`. */
  keep(key: string, value: T): void {
    this.#sent.delete(key);
    this.#release(key);
    this.#kept.set(key, value);
    this.#keptBytes += this.#bytesOf(key, value);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size === 1 || (this.#kept.size <= MAX_KEPT && this.#keptBytes <= MAX_KEPT_BYTES)) return;
      this.#release(oldest);
      if (this.#hasDropped) continue;
      this.#hasDropped = true;
      const message = 'more values wait for Redis than memory holds: other servers will miss the oldest';
      log().warn({ part: 'redis', what: this.#options.what }, message);
    }
  }

  /**
   * Undefined if nothing under a key is left to be written. Otherwise resolves within the time that
   * a command to Redis may take, with whether it is written; never rejects.
   */
  settled(key: string): Promise<boolean> | undefined {
    return this.#sent.get(key)?.confirmed ?? (this.#kept.has(key) ? UNSETTLED : undefined);
  }

  /** The value under a key was removed: it is not written any more. */
  forget(key: string): void {
    this.#sent.delete(key);
    this.#release(key);
  }

  forgetAll(): void {
    this.#sent.clear();
    this.#kept.clear();
    this.#keptBytes = 0;
  }

  /** Writes what waits, as far as Redis takes it. Never rejects. */
  async retry(): Promise<void> {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    try {
      while (this.#kept.size > 0 && this.#options.canWrite()) {
        const batch = [...this.#kept].slice(0, AT_ONCE);
        const written = await Promise.all(batch.map(([key, value]) => this.#writeLate(key, value)));
        // Those that are refused are last now, and are tried again with the next call.
        if (written.includes(false)) return;
      }
      if (this.#kept.size === 0) this.#hasDropped = false;
    } finally {
      this.#isRetrying = false;
    }
  }

  /** Never rejects. */
  async #confirm(key: string, sent: Sent<T>): Promise<boolean> {
    const { value } = sent;
    const isCurrent = () => this.#sent.get(key) === sent;
    try {
      await this.#options.write(key, value, { isLate: false, isCurrent });
      if (isCurrent()) this.#sent.delete(key);
      return true;
    } catch {
      // The guard has recorded the failure.
      if (isCurrent()) this.keep(key, value);
      return false;
    }
  }

  /** Never rejects. */
  async #writeLate(key: string, value: T): Promise<boolean> {
    const isCurrent = () => this.#kept.get(key) === value;
    try {
      await this.#options.write(key, value, { isLate: true, isCurrent });
      if (isCurrent()) this.#release(key);
      return true;
    } catch {
      // The guard has recorded the failure.
      if (isCurrent()) this.keep(key, value);
      return false;
    }
  }

  #release(key: string): void {
    const value = this.#kept.get(key);
    if (value === undefined) return;
    this.#kept.delete(key);
    this.#keptBytes -= this.#bytesOf(key, value);
  }

  #bytesOf(key: string, value: T): number {
    return ENTRY_BYTES + 2 * key.length + (this.#options.bytesOf?.(value) ?? 0);
  }
}

interface Sent<T> {
  readonly value: T;
  confirmed: Promise<boolean>;
}

/** Shared instance. */
const UNSETTLED = Promise.resolve(false);
