import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#lib/chat/clock';
import { type CacheRow, CacheRows, type DeletionReason, firstRows } from '#lib/chat/persistence/cache-rows';
import { KeyFilter } from '#lib/chat/persistence/key-filter';
import { asError } from '#lib/errors';
import type { ChatCacheTable } from '#lib/store/tables/chat-cache';
import type { Store } from '#lib/store/types';
import type { Logger } from '#lib/telemetry/log';
import { KIB, MIB, MINUTE_MS, SECOND_MS } from '#lib/units';
import type { PersistedStats } from '#lib/wire/server-stats';

export type CacheKind = ChatCacheTable['kind'];

/** A larger value is cached in memory only: a row is written and read in one step. */
export const MAX_VALUE_BYTES = MIB;
/** Space of a row and its index entries without key and value, as measured on SQLite. */
export const ROW_BYTES = 200;
/** Values that wait to be written, most of them as references into the cache in memory. */
export const MAX_UNWRITTEN = 4_096;
/** How long values are collected before they are written. */
const WRITE_DELAY_MS = 200;
/** Work on the event loop in one go, between two turns of it. */
const STEP_MS = 2;
/** Keys that are read in one go at the start. */
const KEYS_PER_STEP = 200;
/** Rows and bytes that are deleted in one go. */
const ROWS_PER_STEP = 100;
const BYTES_PER_STEP = 512 * KIB;
/** A request waits this long for a value, and is generated otherwise. */
const READ_TIMEOUT_MS = 500;
/** The format while nothing is stored. */
const OFF_FORMAT = 'off';
const EXPIRY_INTERVAL_MS = MINUTE_MS;
/** A server that clears has its epoch on disk after this time. */
const EPOCH_DELAY_MS = 2 * SECOND_MS;
/** Between two attempts to open the database. */
const OPEN_RETRY_MS = 30 * SECOND_MS;

export interface PersistentCacheOptions {
  /** Opens the database, or returns the open one. */
  readonly openStore: () => Promise<Store>;
  readonly maxBytes: number;
  readonly ttlMs: number;
  /** Of keys and values: what was stored in another format is ignored. */
  readonly format: string;
  /** False deletes what is stored, and stores nothing. */
  readonly isOn: boolean;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
}

/** A value as it is stored. */
export interface StoredValue {
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly value: Uint8Array;
}

interface Unwritten {
  readonly kind: CacheKind;
  readonly createdAt: number;
  readonly encode: () => Uint8Array;
}

interface KindCounts {
  entries: number;
  bytes: number;
  hits: number;
}

/**
 * The second level of the caches in memory, in the database. Keys are held in a filter in memory,
 * so that only a key that may be stored costs a read. Values are written a moment after they were
 * stored, and evicted by use and age in small steps. Nothing of it ever fails a request: without a
 * database there are no values.
 */
export class PersistentCache {
  readonly #options: PersistentCacheOptions;
  readonly #filter = new KeyFilter();
  readonly #counts: Record<CacheKind, KindCounts> = {
    response: { entries: 0, bytes: 0, hits: 0 },
    embedding: { entries: 0, bytes: 0, hits: 0 },
  };
  readonly #unwritten = new Map<string, Unwritten>();
  /** Whether a key is in the cache in memory, and so in use. */
  readonly #inMemory: ((key: string) => boolean)[] = [];
  #rows: CacheRows | undefined;
  #opening: Promise<CacheRows | undefined> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #epoch = 0;
  /** The epoch that is on disk; undefined before it is known. */
  #savedEpoch: number | undefined;
  /** Whether rows were replaced, so that the counts are too high. */
  #isOvercounted = false;
  #isWriteScheduled = false;
  #isEvicting = false;
  #isCleared = false;
  #isClosed = false;

  constructor(options: PersistentCacheOptions) {
    this.#options = options;
  }

  get isOn(): boolean {
    return this.#options.isOn;
  }

  /** Keeps values from eviction for as long as `has` finds them in memory. */
  keepThose(has: (key: string) => boolean): void {
    this.#inMemory.push(has);
  }

  /** Opens the database and reads the keys. Resolves when that is done or has failed. */
  async open(): Promise<void> {
    this.#failedAt = Number.NEGATIVE_INFINITY;
    await this.#opened();
  }

  /** Whether `read` may find the key. Costs no I/O. */
  mayHave(key: string): boolean {
    return this.#rows !== undefined && this.#filter.has(key);
  }

  /** Reads a value. Undefined if it is not stored, is expired, or cannot be read in time. */
  async read(key: string): Promise<StoredValue | undefined> {
    const rows = this.#rows;
    if (rows === undefined) return undefined;
    const epoch = this.#epoch;
    const row = await this.#inTime(rows.read(key));
    if (row === 'failed' || epoch !== this.#epoch) return undefined;
    const isValid = row !== undefined && row.epoch === epoch && !this.#isExpired(row.created_at);
    if (!isValid) {
      this.#filter.delete(key);
      return undefined;
    }
    this.#counts[row.kind].hits += 1;
    void this.#touch(rows, [key]);
    return { createdAt: row.created_at, value: row.value };
  }

  /** Stores a value a moment later. `encode` is called then; it must not throw. */
  store(kind: CacheKind, key: string, createdAt: number, encode: () => Uint8Array): void {
    if (!this.#options.isOn || this.#isClosed) return;
    if (this.#unwritten.size >= MAX_UNWRITTEN && !this.#unwritten.has(key)) return;
    this.#unwritten.set(key, { kind, createdAt: Math.floor(createdAt), encode });
    this.#scheduleWrite();
  }

  /**
   * Removes everything at once, also what is not written yet. Resolves when that is on disk;
   * rejects if it cannot be saved, and is then tried again with the next value.
   */
  async clear(): Promise<void> {
    this.#unwritten.clear();
    this.#forget();
    this.#epoch += 1;
    this.#isCleared = true;
    const rows = await this.#opened();
    if (rows === undefined) throw new Error('the database is not open');
    await this.#saveEpoch(rows);
    void this.#deleteInSteps(rows, 'outdated');
  }

  /**
   * Another server has cleared the values: none of them is read any more. The epoch of what is
   * written from now on is that of the other server, once it is on disk.
   */
  forget(): void {
    this.#unwritten.clear();
    this.#forget();
    const rows = this.#rows;
    if (rows === undefined) return;
    this.#options.clock.after(EPOCH_DELAY_MS, () => {
      rows.epoch().then((saved) => {
        if (saved === undefined || saved.epoch <= this.#epoch) return;
        this.#forget();
        this.#epoch = saved.epoch;
        this.#savedEpoch = saved.epoch;
      }, ignore);
    });
  }

  /** Entries of one kind, with those that the filter has. */
  stats(kind: CacheKind): PersistedStats {
    const { entries, bytes, hits } = this.#counts[kind];
    return { entries, size_mb: Math.round((bytes / MIB) * 10_000) / 10_000, hits };
  }

  /** Queues what is not written yet; the database writes it when it is closed. */
  close(): void {
    const rows = this.#rows;
    if (rows !== undefined) for (const [key, unwritten] of this.#unwritten) this.#write(rows, key, unwritten);
    this.#unwritten.clear();
    this.#isClosed = true;
  }

  get #format(): string {
    return this.#options.isOn ? this.#options.format : OFF_FORMAT;
  }

  #opened(): Promise<CacheRows | undefined> {
    const { clock } = this.#options;
    if (this.#opening === undefined && clock.now() - this.#failedAt >= OPEN_RETRY_MS)
      this.#opening = this.#open().catch((error: unknown) => {
        this.#failedAt = clock.now();
        this.#opening = undefined;
        this.#options.log.warn({ err: asError(error) }, 'cached responses are not saved');
        return undefined;
      });
    return this.#opening ?? Promise.resolve(undefined);
  }

  async #open(): Promise<CacheRows> {
    const { openStore, isOn } = this.#options;
    const rows = new CacheRows(await openStore());
    const saved = await rows.epoch();
    const epoch = saved?.epoch ?? 0;
    this.#savedEpoch = epoch;
    // Without persistence a database that never had any stays as it is.
    const isSame = saved === undefined ? !isOn : saved.format === this.#format;
    // A clear before the database was open is one of what it holds.
    const isUsable = isSame && !this.#isCleared;
    this.#epoch = isUsable ? epoch : epoch + 1;
    // Where that cannot be saved, it is tried again with the next value.
    if (!isUsable) await this.#saveEpoch(rows).catch(ignore);
    if (isOn) await this.#readKeys(rows);
    this.#rows = rows;
    void this.#deleteInSteps(rows, 'outdated');
    if (isOn) this.#scheduleExpiry(rows);
    return rows;
  }

  async #saveEpoch(rows: CacheRows): Promise<void> {
    const epoch = this.#epoch;
    await rows.setEpoch(epoch, this.#format);
    this.#savedEpoch = epoch;
  }

  /** Reads all keys of the epoch in small steps. Counts the rows again. */
  async #readKeys(rows: CacheRows): Promise<void> {
    const epoch = this.#epoch;
    const counts: Record<CacheKind, { entries: number; bytes: number }> = {
      response: { entries: 0, bytes: 0 },
      embedding: { entries: 0, bytes: 0 },
    };
    this.#isOvercounted = false;
    for (let after = '', isMore = true; isMore; ) {
      const page = await rows.page(epoch, after, KEYS_PER_STEP);
      if (epoch !== this.#epoch) return;
      for (const { key, kind, bytes } of page) {
        this.#filter.add(key);
        counts[kind].entries += 1;
        counts[kind].bytes += Number(bytes);
        after = key;
      }
      isMore = page.length === KEYS_PER_STEP;
      if (isMore) await setImmediate();
    }
    Object.assign(this.#counts.response, counts.response);
    Object.assign(this.#counts.embedding, counts.embedding);
  }

  #scheduleWrite(): void {
    if (this.#isWriteScheduled) return;
    this.#isWriteScheduled = true;
    this.#options.clock.after(WRITE_DELAY_MS, () => void this.#writeAll());
  }

  /** Queues everything that is not written, in small steps. Never rejects. */
  async #writeAll(): Promise<void> {
    const rows = await this.#opened();
    if (rows === undefined || rows.store.health.state !== 'ok') this.#unwritten.clear();
    else {
      if (this.#savedEpoch !== this.#epoch) void this.#saveEpoch(rows).catch(ignore);
      let startedMs = performance.now();
      for (const [key, unwritten] of this.#unwritten) {
        this.#unwritten.delete(key);
        this.#write(rows, key, unwritten);
        if (performance.now() - startedMs < STEP_MS) continue;
        await setImmediate();
        startedMs = performance.now();
      }
    }
    this.#isWriteScheduled = false;
    if (this.#unwritten.size > 0) this.#scheduleWrite();
  }

  #write(rows: CacheRows, key: string, { kind, createdAt, encode }: Unwritten): void {
    const value = encode();
    const bytes = Buffer.byteLength(key) + value.byteLength + ROW_BYTES;
    if (value.byteLength > MAX_VALUE_BYTES || bytes > this.#options.maxBytes) return;
    const epoch = this.#epoch;
    const used_at = Math.floor(this.#options.clock.now());
    rows.write({ key, kind, epoch, created_at: createdAt, used_at, bytes, value }).then(() => {
      if (epoch !== this.#epoch) return;
      this.#isOvercounted ||= this.#filter.has(key);
      this.#filter.add(key);
      this.#counts[kind].entries += 1;
      this.#counts[kind].bytes += bytes;
      if (this.#excessBytes > 0) void this.#evict(rows);
    }, ignore);
  }

  /** What is stored above the bound; negative below it. */
  get #excessBytes(): number {
    return this.#counts.response.bytes + this.#counts.embedding.bytes - this.#options.maxBytes;
  }

  /** Deletes the least recently used rows until the rest is within the bound. Never rejects. */
  async #evict(rows: CacheRows): Promise<void> {
    if (this.#isEvicting) return;
    this.#isEvicting = true;
    try {
      if (this.#isOvercounted) await this.#readKeys(rows);
      await this.#deleteInSteps(rows, 'excess');
    } catch {
      // The next write tries again.
    }
    this.#isEvicting = false;
  }

  /**
   * Deletes rows in small steps. Of too many, a row whose value is in use in memory is spared once.
   * Never rejects.
   */
  async #deleteInSteps(rows: CacheRows, reason: DeletionReason): Promise<void> {
    const spared = new Set<string>();
    try {
      for (;;) {
        if (this.#isClosed || (reason === 'excess' && this.#excessBytes <= 0)) return;
        const { clock, ttlMs } = this.#options;
        const before = reason === 'outdated' ? this.#epoch : Math.floor(clock.now() - ttlMs);
        const found = await rows.toDelete(reason, before, ROWS_PER_STEP);
        if (found.length === 0) return;
        const isSpared = ({ key }: CacheRow) =>
          reason === 'excess' && !spared.has(key) && this.#inMemory.some((has) => has(key));
        const inUse = new Set(found.filter(isSpared).map(({ key }) => key));
        for (const key of inUse) spared.add(key);
        if (inUse.size > 0) await this.#touch(rows, [...inUse]);
        const outOfUse = found.filter(({ key }) => !inUse.has(key));
        const enough = reason === 'excess' ? Math.min(this.#excessBytes, BYTES_PER_STEP) : BYTES_PER_STEP;
        const step = firstRows(outOfUse, enough);
        if (step.length > 0) await this.#delete(rows, step, reason, before);
        await setImmediate();
      }
    } catch {
      // Rows that remain are found the next time.
    }
  }

  async #delete(rows: CacheRows, step: readonly CacheRow[], reason: DeletionReason, before: number): Promise<void> {
    const epoch = this.#epoch;
    const keys = step.map(({ key }) => key);
    await rows.delete(keys, reason, before);
    // Rows of older epochs are not counted.
    if (reason === 'outdated' || epoch !== this.#epoch) return;
    for (const { key, kind, bytes } of step) {
      this.#filter.delete(key);
      this.#counts[kind].entries -= 1;
      this.#counts[kind].bytes -= Number(bytes);
    }
  }

  async #touch(rows: CacheRows, keys: readonly string[]): Promise<void> {
    await rows.touch(keys, Math.floor(this.#options.clock.now())).catch(ignore);
  }

  #forget(): void {
    this.#filter.clear();
    for (const counts of Object.values(this.#counts)) Object.assign(counts, { entries: 0, bytes: 0 });
  }

  #isExpired(createdAt: number): boolean {
    return this.#options.clock.now() - createdAt >= this.#options.ttlMs;
  }

  #scheduleExpiry(rows: CacheRows): void {
    this.#options.clock.after(EXPIRY_INTERVAL_MS, () => {
      if (this.#isClosed) return;
      void this.#deleteInSteps(rows, 'expired').then(() => this.#scheduleExpiry(rows));
    });
  }

  /** `failed` if it rejects or takes too long. */
  #inTime<T>(read: Promise<T>): Promise<T | 'failed'> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(READ_TIMEOUT_MS, () => resolve('failed'));
      const end = (result: T | 'failed') => {
        cancel();
        resolve(result);
      };
      read.then(end, () => end('failed'));
    });
  }
}

/** The store reports by itself that it takes no writes; a cache goes on without them. */
function ignore(): void {}
