import { config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { bodyTooLarge } from '#lib/http/body-limit';
import { SpareBuffers } from '#lib/http/spare-buffers';
import { MemoryAccounting } from '#lib/memory-accounting';
import { singleton } from '#lib/singletons';
import { KIB, MIB } from '#lib/units';

/** One read of a connection returns as much, so smaller bodies are not checked in advance. */
const ONE_READ_BYTES = 64 * KIB;
const RETRY_AFTER_SECONDS = 5;

/**
 * Budget of request bodies while they are received, in total and per caller. A caller may
 * hold as much as is free (dynamic threshold: Choudhury and Hahne, 1998): a single caller gets
 * half, two get a third each, and there is always capacity for the next one.
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

  /** Returns false, and reserves nothing, if the capacity is used up. */
  reserve(caller: string, bytes: number): boolean {
    if (!this.hasCapacity(caller, bytes)) return false;
    this.#held.add(caller, bytes);
    return true;
  }

  release(caller: string, bytes: number): void {
    this.#held.release(caller, bytes);
  }
}

/**
 * Gives the memory of a body that `BodyBuffer` collected to a later body. No part of `body` may be
 * used afterwards. Without this call the memory is garbage-collected.
 */
export function recycleBody(body: Uint8Array): void {
  spareBuffers().recycle(body.buffer);
}

function spareBuffers(): SpareBuffers {
  return singleton('http.spare-buffers', () => new SpareBuffers(ONE_READ_BYTES));
}

/** The budget of this process: `RECEIVING_MAX_SIZE_MB`. */
export function bodyBudget(): BodyBudget {
  return singleton('http.body-budget', () => new BodyBudget(config().RECEIVING_MAX_SIZE_MB * MIB));
}

/** The budget of this process for uploads on disk: `UPLOADS_MAX_SIZE_MB`. */
export function uploadBudget(): BodyBudget {
  return singleton('http.upload-budget', () => new BodyBudget(config().UPLOADS_MAX_SIZE_MB * MIB));
}

/**
 * Checks a `Content-Length` before the body is read. Throws `body_too_large`, or `queue_full` if
 * the budget has no capacity for it.
 */
export function checkContentLength(declaredBytes: number, limitBytes: number, caller: string): void {
  if (declaredBytes > limitBytes) throw bodyTooLarge({ limitBytes, sizeBytes: declaredBytes });
  if (declaredBytes > ONE_READ_BYTES && !bodyBudget().hasCapacity(caller, declaredBytes)) throw budgetExhausted();
}

/**
 * Collects the chunks of a body in one growing buffer, which counts in the budget. Chunks are
 * copied, because each `Buffer` object takes hundreds of bytes besides its content. The caller
 * ends with `finish` or `release`.
 */
export class BodyBuffer {
  readonly #caller: string;
  readonly #limitBytes: number;
  readonly #declaredBytes: number;
  readonly #budget = bodyBudget();
  #memory = Buffer.alloc(0);
  #size = 0;

  /** `declaredBytes` is 0 if the length is unknown. */
  constructor(caller: string, limitBytes: number, declaredBytes: number) {
    this.#caller = caller;
    this.#limitBytes = limitBytes;
    this.#declaredBytes = declaredBytes;
  }

  /**
   * Throws `body_too_large`, or `queue_full` if the budget is used up. The memory is released
   * then.
   */
  append(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength;
    if (size > this.#limitBytes) {
      this.release();
      throw bodyTooLarge({ limitBytes: this.#limitBytes });
    }
    if (size > this.#memory.byteLength) this.#grow(size);
    this.#memory.set(chunk, this.#size);
    this.#size = size;
  }

  /** Returns the whole body, which no longer counts in the budget. */
  finish(): Uint8Array {
    const body = this.#memory.subarray(0, this.#size);
    spareBuffers().own(this.#memory.buffer);
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
    const spare = spareBuffers().take(Math.max(neededBytes, this.#declaredBytes));
    const bytes = spare?.byteLength ?? Math.max(neededBytes, Math.min(most, 2 * before.byteLength));
    if (!this.#budget.reserve(this.#caller, bytes - before.byteLength)) {
      this.release();
      throw budgetExhausted();
    }
    this.#memory = spare ?? Buffer.allocUnsafeSlow(bytes);
    this.#memory.set(before.subarray(0, this.#size));
  }
}

/** The error for a body for which a budget has no capacity. */
export function budgetExhausted(): AppError {
  return new AppError('queue_full', 'The server is receiving too many large requests. Try again in a few seconds.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    data: { reason: 'receiving', retry_after_seconds: RETRY_AFTER_SECONDS },
  });
}
