import { z } from 'zod';
import { systemClock } from '#lib/clock';
import type { SharedChange, SharedValue, SharedValueKind, SharedValues } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { MIB } from '#lib/units';

/** A larger value stays in the process that made it. */
export const MAX_SHARED_BYTES = MIB;
/** Values of one turn of the event loop that wait to be written. */
const MAX_UNWRITTEN = 1_000;
/** Entries that were written together do not expire together. */
const TTL_SPREAD = 0.1;

export interface SharedValuesOptions {
  readonly kind: SharedValueKind;
  /** Has the values; the cache may have a Redis for itself. */
  readonly connection: CommandConnection;
  /** Has the generation. */
  readonly main: CommandConnection;
  readonly keys: RedisKeys;
  readonly keyOf: (generation: number, key: string) => string;
  readonly ttlMs: number;
  readonly hasSpread: boolean;
  readonly maxBytes: number;
  /** Redis has no space for more. */
  readonly isFull: () => boolean;
  readonly share: (change: SharedChange) => void;
}

/**
 * Values by key and generation. Clearing adds 1 to the generation, so that no server finds the
 * values of before, which expire by themselves.
 */
export class RedisValues implements SharedValues {
  readonly #options: SharedValuesOptions;
  /** Undefined until it was read, and while it may be another one. */
  #generation: number | undefined;
  #isClearWanted = false;
  readonly #unwritten = new Map<string, Unwritten>();
  /** Keys whose value is outdated, which Redis could not be asked to delete. */
  readonly #outdated = new Set<string>();

  constructor(options: SharedValuesOptions) {
    this.#options = options;
  }

  get isUsable(): boolean {
    return this.#generation !== undefined && this.#options.connection.isUsable;
  }

  async read(key: string): Promise<SharedValue | undefined> {
    const generation = this.#generation;
    const { connection, keyOf } = this.#options;
    // What is about to be written is newer than what Redis has.
    const waiting = this.#unwritten.get(key);
    if (waiting !== undefined) return { createdAt: waiting.createdAt, bytes: waiting.encode() };
    if (generation === undefined || !connection.isUsable) return undefined;
    try {
      const stored = await connection.client.getBuffer(keyOf(generation, key));
      return stored === null || generation !== this.#generation ? undefined : this.#unpack(stored);
    } catch {
      // The guard has recorded the failure; a value that cannot be read is a miss.
      return undefined;
    }
  }

  write(key: string, createdAt: number, encode: () => Uint8Array, replaces?: string): void {
    const isRefused = !this.isUsable || this.#options.isFull() || this.#unwritten.size >= MAX_UNWRITTEN;
    if (isRefused) {
      if (replaces === undefined) return;
      this.remove(key);
      this.#options.share({ kind: 'drop', key: replaces });
      return;
    }
    if (this.#unwritten.size === 0) setImmediate(() => this.#writeAll());
    this.#unwritten.set(key, { createdAt, encode, replaces });
  }

  remove(key: string): void {
    this.#unwritten.delete(key);
    const generation = this.#generation;
    if (generation !== undefined && this.#options.connection.isUsable) this.#delete(generation, key);
    else if (this.#outdated.size < MAX_UNWRITTEN) this.#outdated.add(key);
  }

  renew(key: string): void {
    const generation = this.#generation;
    const { connection, keyOf, ttlMs } = this.#options;
    if (generation === undefined || !connection.isUsable) return;
    // Without it, the value expires sooner.
    connection.client.pexpire(keyOf(generation, key), ttlMs).catch(() => {});
  }

  async clear(): Promise<void> {
    this.#unwritten.clear();
    // No value is read until the generation is another one.
    this.#generation = undefined;
    this.#isClearWanted = true;
    await this.refresh();
    if (this.#generation === undefined) throw new Error('Redis is away');
  }

  adoptGeneration(generation: number): void {
    if (!this.#isClearWanted) this.#generation = Math.max(generation, this.#generation ?? 0);
  }

  /** Does what Redis was away for. Never throws. */
  catchUp(): void {
    if (this.#generation === undefined || this.#outdated.size > 0) void this.refresh();
  }

  /**
   * Reads the generation, or adds 1 to it if a clear is left to be done. Returns whether it is
   * another one than before. Never rejects.
   */
  async refresh(): Promise<boolean> {
    const { kind, main, keys, share } = this.#options;
    const before = this.#generation;
    const name = keys.generation(kind);
    if (!main.isUsable) return false;
    try {
      if (this.#isClearWanted) {
        // The first one is a time, so that none comes again when Redis has lost its data.
        const replies = await main.client.multi().set(name, Math.round(main.now()), 'NX').incr(name).exec();
        const generation = z.number().int().parse(replies?.[1]?.[1]);
        this.#isClearWanted = false;
        this.#generation = generation;
        share({ kind: 'clear', values: kind, generation });
      } else {
        const first = Math.round(main.now());
        this.#generation = Number((await main.client.set(name, first, 'NX', 'GET')) ?? first);
      }
    } catch {
      // The guard has recorded the failure. It is tried again once Redis is back.
    }
    if (this.#generation !== undefined && this.#options.connection.isUsable) {
      const outdated = [...this.#outdated];
      this.#outdated.clear();
      await Promise.all(outdated.map((key) => this.#delete(this.#generation ?? 0, key)));
    }
    return before !== undefined && before !== this.#generation;
  }

  #writeAll(): void {
    const { connection, keyOf, maxBytes, ttlMs, hasSpread } = this.#options;
    const generation = this.#generation;
    const all = [...this.#unwritten];
    this.#unwritten.clear();
    if (generation === undefined || !connection.isUsable) return;
    for (const [key, { createdAt, encode, replaces }] of all) {
      const bytes = encode();
      const spread = hasSpread ? 1 - TTL_SPREAD + 2 * TTL_SPREAD * Math.random() : 1;
      const leftMs = Math.floor(ttlMs * spread - (systemClock.now() - createdAt));
      const isLeftOut = bytes.byteLength > maxBytes || leftMs <= 0;
      const written = isLeftOut
        ? this.#delete(generation, key)
        : connection.client.set(keyOf(generation, key), this.#pack(createdAt, bytes), 'PX', leftMs).catch(() => {
            // What Redis did not take must not be found as it was before.
            if (replaces !== undefined) this.remove(key);
          });
      if (replaces !== undefined) void written.then(() => this.#options.share({ kind: 'drop', key: replaces }));
    }
  }

  /** Never rejects. */
  async #delete(generation: number, key: string): Promise<void> {
    try {
      await this.#options.connection.client.del(this.#options.keyOf(generation, key));
    } catch {
      // The guard has recorded the failure; it is tried again once Redis is back.
      if (this.#outdated.size < MAX_UNWRITTEN) this.#outdated.add(key);
    }
  }

  /** The time of Redis in 8 bytes, and the value. */
  #pack(createdAt: number, bytes: Uint8Array): Buffer {
    const packed = Buffer.allocUnsafe(8 + bytes.byteLength);
    packed.writeDoubleBE(createdAt - this.#options.main.toLocal(0));
    packed.set(bytes, 8);
    return packed;
  }

  #unpack(packed: Buffer): SharedValue | undefined {
    if (packed.byteLength < 8) return undefined;
    return { createdAt: this.#options.main.toLocal(packed.readDoubleBE()), bytes: packed.subarray(8) };
  }
}

interface Unwritten {
  readonly createdAt: number;
  readonly encode: () => Uint8Array;
  readonly replaces: string | undefined;
}
