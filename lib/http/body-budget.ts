import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { MemoryAccounting } from '#lib/memory-accounting';
import { singleton } from '#lib/singletons';
import { bodyTooLarge, MIB } from '#lib/units';

/**
 * Up to here there is no need to ask before the body has come: a read of a connection gives as
 * much.
 */
const ONE_READ_BYTES = 64 * 1024;
const RETRY_AFTER_SECONDS = 5;

/**
 * Bounds the memory of bodies that are being received, all together and for each caller. A caller
 * may hold as much as is free (dynamic threshold: Choudhury and Hahne, 1998): one alone gets half,
 * two a third each, and there is room for the next one.
 */
export class BodyBudget {
  readonly totalBytes: number;
  readonly #held = new MemoryAccounting();

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  get usedBytes(): number {
    return this.#held.total;
  }

  hasCapacity(caller: string, bytes: number): boolean {
    return this.#held.bytesOf(caller) + bytes <= this.totalBytes - this.#held.total - bytes;
  }

  /** False where there is no room; nothing was taken then. */
  reserve(caller: string, bytes: number): boolean {
    if (!this.hasCapacity(caller, bytes)) return false;
    this.#held.add(caller, bytes);
    return true;
  }

  release(caller: string, bytes: number): void {
    this.#held.release(caller, bytes);
  }
}

/** The process's own, of `RECEIVING_MAX_SIZE_MB`. */
export function bodyBudget(): BodyBudget {
  return singleton('http.receiving', () => new BodyBudget(config().RECEIVING_MAX_SIZE_MB * MIB));
}

/**
 * A body that says it has `declaredBytes`. Throws where it will be too large, or where there is no
 * room for it now.
 */
export function checkContentLength(declaredBytes: number, limitBytes: number, caller: string): void {
  if (declaredBytes > limitBytes) throw bodyTooLarge(limitBytes);
  if (declaredBytes > ONE_READ_BYTES && !bodyBudget().hasCapacity(caller, declaredBytes)) throw noRoom();
}

/**
 * Collects a body of which more is to come, in one piece of memory that grows with it: chunks are
 * copied, since each would take hundreds of bytes next to its own. Callers call `finish` or `drop`.
 */
export class BodyBuffer {
  readonly #caller: string;
  readonly #limitBytes: number;
  readonly #declaredBytes: number;
  readonly #budget = bodyBudget();
  #memory = Buffer.alloc(0);
  #size = 0;

  /** `declaredBytes` is 0 where the body does not say. */
  constructor(caller: string, limitBytes: number, declaredBytes: number) {
    this.#caller = caller;
    this.#limitBytes = limitBytes;
    this.#declaredBytes = declaredBytes;
  }

  /**
   * Throws `body_too_large`, or `queue_full` where there is no room for it; what was taken is given
   * back then.
   */
  append(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength;
    if (size > this.#limitBytes) {
      this.release();
      throw bodyTooLarge(this.#limitBytes);
    }
    if (size > this.#memory.byteLength) this.#grow(size);
    this.#memory.set(chunk, this.#size);
    this.#size = size;
  }

  /** The whole body, which no longer counts as being received. */
  finish(): Uint8Array {
    const body = this.#memory.subarray(0, this.#size);
    this.release();
    return body;
  }

  /** May be called more than once. */
  release(): void {
    this.#budget.release(this.#caller, this.#memory.byteLength);
    this.#memory = Buffer.alloc(0);
    this.#size = 0;
  }

  #grow(neededBytes: number): void {
    const before = this.#memory;
    const most = Math.min(this.#limitBytes, this.#declaredBytes || this.#limitBytes);
    const bytes = Math.max(neededBytes, Math.min(most, 2 * before.byteLength));
    if (!this.#budget.reserve(this.#caller, bytes - before.byteLength)) {
      this.release();
      throw noRoom();
    }
    this.#memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory.set(before.subarray(0, this.#size));
  }
}

function noRoom(): AppError {
  return new AppError('queue_full', 'The server is receiving too many large requests. Try again in a few seconds.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
