import { z } from 'zod';
import { systemClock } from '#lib/clock';
import type { SharedChange, SharedValue, SharedValueKind, SharedValues, SharedWrite } from '#lib/cluster/cluster';
import type { RedisKeys } from '#lib/cluster/keys';
import type { CommandConnection } from '#lib/cluster/redis';
import { UnconfirmedWrites, type WriteAttempt } from '#lib/cluster/unconfirmed-writes';
import { MIB } from '#lib/units';

/** A larger value stays in the process that made it. */
export const MAX_SHARED_BYTES = MIB;
/** Values of one turn of the event loop that wait to be written. */
const MAX_UNWRITTEN = 1_000;
/** Entries that were written together do not expire together. */
const TTL_SPREAD = 0.1;
/** Before a value is the time at which it was made. */
const TIME_BYTES = 8;

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
  /**
   * Whether a value that Redis did not take waits until it does, as one must that a reply names.
   * A value of a cache does not.
   */
  readonly isKept: boolean;
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
  /** Keys that Redis is being asked to delete. */
  readonly #removing = new Map<string, Promise<boolean>>();
  /** Undefined for values that do not wait. */
  readonly #writes: UnconfirmedWrites<Unwritten> | undefined;
  /** Resolves when what was written in this turn of the event loop is sent, or waits. */
  #sending: PromiseWithResolvers<void> | undefined;

  constructor(options: SharedValuesOptions) {
    this.#options = options;
    if (options.isKept)
      this.#writes = new UnconfirmedWrites<Unwritten>({
        what: options.kind,
        canWrite: () => this.isUsable && !options.isFull(),
        write: (key, value, attempt) => this.#set(key, value, attempt),
      });
  }

  get isUsable(): boolean {
    return this.#generation !== undefined && this.#options.connection.isUsable;
  }

  async read(key: string): Promise<SharedValue | undefined> {
    const generation = this.#generation;
    const { connection, keyOf } = this.#options;
    // What is about to be written is newer than what Redis has.
    const waiting = this.#unwritten.get(key);
    const written = waiting?.encode();
    if (waiting !== undefined && written !== undefined) return { createdAt: waiting.createdAt, bytes: written };
    if (generation === undefined || !connection.isUsable) return undefined;
    try {
      const stored = await connection.client.getBuffer(keyOf(generation, key));
      return stored === null || generation !== this.#generation ? undefined : this.#unpack(stored);
    } catch {
      // The guard has recorded the failure; a value that cannot be read is a miss.
      return undefined;
    }
  }

  write(
    key: string,
    createdAt: number,
    encode: () => Uint8Array | undefined,
    { replaces, unlessNewer = false }: SharedWrite = {},
  ): void {
    const { connection, isFull, share } = this.#options;
    const value = { createdAt, encode, replaces, unlessNewer };
    // A value that waits needs no generation yet: it is read first.
    const isUsable = this.#writes === undefined ? this.isUsable : connection.isUsable;
    if (!isUsable || isFull() || this.#unwritten.size >= MAX_UNWRITTEN) {
      this.#unwritten.delete(key);
      this.#writes?.keep(key, value);
      if (replaces === undefined) return;
      this.remove(key);
      share({ kind: 'drop', key: replaces });
      return;
    }
    this.#unwritten.set(key, value);
    if (this.#sending !== undefined) return;
    this.#sending = Promise.withResolvers();
    setImmediate(() => this.#writeAll());
  }

  settled(key: string): Promise<boolean> | undefined {
    if (this.#writes !== undefined && this.#unwritten.has(key))
      return this.#sending?.promise.then(() => this.#writes?.settled(key) ?? true);
    return this.#removing.get(key) ?? this.#writes?.settled(key) ?? (this.#outdated.has(key) ? UNSETTLED : undefined);
  }

  remove(key: string): void {
    this.#unwritten.delete(key);
    this.#writes?.forget(key);
    const generation = this.#generation;
    if (generation !== undefined && this.#options.connection.isUsable) {
      const removed = this.#delete(generation, key);
      this.#removing.set(key, removed);
      void removed.then(() => {
        if (this.#removing.get(key) === removed) this.#removing.delete(key);
      });
    } else this.#noteOutdated(key);
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
    this.#writes?.forgetAll();
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
    if (this.#generation === undefined || this.#outdated.size > 0)
      void this.refresh().then(() => this.#writes?.retry());
    else if (this.#writes !== undefined && this.#writes.size > 0) void this.#writes.retry();
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
    const isUnread = this.#generation === undefined && this.#options.connection.isUsable;
    if (this.#writes !== undefined && isUnread) void this.refresh().finally(() => this.#sendAll());
    else this.#sendAll();
  }

  #sendAll(): void {
    const all = [...this.#unwritten];
    const sending = this.#sending;
    this.#unwritten.clear();
    this.#sending = undefined;
    for (const [key, value] of all) {
      const written = this.#writes?.send(key, value) ?? this.#send(key, value);
      const { replaces } = value;
      if (replaces !== undefined) void written.then(() => this.#options.share({ kind: 'drop', key: replaces }));
    }
    sending?.resolve();
  }

  /** Writes a value that does not wait. Never rejects. */
  async #send(key: string, value: Unwritten): Promise<void> {
    try {
      await this.#set(key, value);
    } catch {
      // The guard has recorded the failure. What Redis did not take must not be found as it was.
      if (value.replaces !== undefined) this.remove(key);
    }
  }

  /**
   * Sends a value in this turn, unless a newer one may be there. Rejects if Redis does not take it;
   * resolves for one that is not wanted any more.
   */
  async #set(key: string, { createdAt, encode, unlessNewer }: Unwritten, attempt?: WriteAttempt): Promise<void> {
    const { connection, keyOf, maxBytes, ttlMs, hasSpread, main } = this.#options;
    const generation = this.#generation;
    if (generation === undefined) throw new Error('the generation was not read yet');
    const name = keyOf(generation, key);
    if (unlessNewer || attempt?.isLate === true) {
      const head = await connection.client.getrangeBuffer(name, 0, TIME_BYTES - 1);
      const isNewer = head.byteLength === TIME_BYTES && main.toLocal(head.readDoubleBE()) > createdAt;
      if (isNewer || attempt?.isCurrent() === false) return;
    }
    const bytes = encode();
    if (bytes === undefined) return;
    const spread = hasSpread ? 1 - TTL_SPREAD + 2 * TTL_SPREAD * Math.random() : 1;
    const leftMs = Math.floor(ttlMs * spread - (systemClock.now() - createdAt));
    if (bytes.byteLength > maxBytes || leftMs <= 0) await this.#delete(generation, key);
    else await this.#replace(key, name, this.#pack(createdAt, bytes), leftMs);
  }

  async #replace(key: string, name: string, packed: Buffer, leftMs: number): Promise<void> {
    // What was to be deleted is overwritten.
    const wasOutdated = this.#outdated.delete(key);
    try {
      await this.#options.connection.client.set(name, packed, 'PX', leftMs);
    } catch (error) {
      if (wasOutdated) this.#noteOutdated(key);
      throw error;
    }
  }

  /** Resolves with whether Redis has deleted it; never rejects. */
  async #delete(generation: number, key: string): Promise<boolean> {
    try {
      await this.#options.connection.client.del(this.#options.keyOf(generation, key));
      return true;
    } catch {
      // The guard has recorded the failure; it is tried again once Redis is back.
      this.#noteOutdated(key);
      return false;
    }
  }

  #noteOutdated(key: string): void {
    if (this.#outdated.size < MAX_UNWRITTEN) this.#outdated.add(key);
  }

  /** The time of Redis in 8 bytes, and the value. */
  #pack(createdAt: number, bytes: Uint8Array): Buffer {
    const packed = Buffer.allocUnsafe(TIME_BYTES + bytes.byteLength);
    packed.writeDoubleBE(createdAt - this.#options.main.toLocal(0));
    packed.set(bytes, TIME_BYTES);
    return packed;
  }

  #unpack(packed: Buffer): SharedValue | undefined {
    if (packed.byteLength < TIME_BYTES) return undefined;
    return { createdAt: this.#options.main.toLocal(packed.readDoubleBE()), bytes: packed.subarray(TIME_BYTES) };
  }
}

interface Unwritten {
  readonly createdAt: number;
  /** Undefined once the value is not wanted any more. */
  readonly encode: () => Uint8Array | undefined;
  readonly replaces: string | undefined;
  readonly unlessNewer: boolean;
}

/** Shared instance. */
const UNSETTLED = Promise.resolve(false);
