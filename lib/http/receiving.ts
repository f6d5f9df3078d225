import { config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import { HeldBytes } from '#lib/held-bytes';
import { MIB, tooLarge } from '#lib/http/size';
import { processWide } from '#lib/process';

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
export class ReceivingBudget {
  readonly totalBytes: number;
  readonly #held = new HeldBytes();

  constructor(totalBytes: number) {
    this.totalBytes = totalBytes;
  }

  get usedBytes(): number {
    return this.#held.total;
  }

  hasRoom(caller: string, bytes: number): boolean {
    return this.#held.of(caller) + bytes <= this.totalBytes - this.#held.total - bytes;
  }

  /** False where there is no room; nothing was taken then. */
  take(caller: string, bytes: number): boolean {
    if (!this.hasRoom(caller, bytes)) return false;
    this.#held.take(caller, bytes);
    return true;
  }

  giveBack(caller: string, bytes: number): void {
    this.#held.release(caller, bytes);
  }
}

/** The process's own, of `RECEIVING_MAX_SIZE_MB`. */
export function receivingBudget(): ReceivingBudget {
  return processWide('http.receiving', () => new ReceivingBudget(config().RECEIVING_MAX_SIZE_MB * MIB));
}

/**
 * A body that says it has `declaredBytes`. Throws where it will be too large, or where there is no
 * room for it now.
 */
export function checkDeclared(declaredBytes: number, limitBytes: number, caller: string): void {
  if (declaredBytes > limitBytes) throw tooLarge(limitBytes);
  if (declaredBytes > ONE_READ_BYTES && !receivingBudget().hasRoom(caller, declaredBytes)) throw noRoom();
}

/**
 * Collects a body of which more is to come, in one piece of memory that grows with it: chunks are
 * copied, since each would take hundreds of bytes next to its own. Callers call `finish` or `drop`.
 */
export class GrowingBody {
  readonly #caller: string;
  readonly #limitBytes: number;
  readonly #declaredBytes: number;
  readonly #budget = receivingBudget();
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
  add(chunk: Uint8Array): void {
    const size = this.#size + chunk.byteLength;
    if (size > this.#limitBytes) {
      this.drop();
      throw tooLarge(this.#limitBytes);
    }
    if (size > this.#memory.byteLength) this.#grow(size);
    this.#memory.set(chunk, this.#size);
    this.#size = size;
  }

  /** The whole body, which no longer counts as being received. */
  finish(): Uint8Array {
    const body = this.#memory.subarray(0, this.#size);
    this.drop();
    return body;
  }

  /** May be called more than once. */
  drop(): void {
    this.#budget.giveBack(this.#caller, this.#memory.byteLength);
    this.#memory = Buffer.alloc(0);
    this.#size = 0;
  }

  #grow(neededBytes: number): void {
    const before = this.#memory;
    const most = Math.min(this.#limitBytes, this.#declaredBytes || this.#limitBytes);
    const bytes = Math.max(neededBytes, Math.min(most, 2 * before.byteLength));
    if (!this.#budget.take(this.#caller, bytes - before.byteLength)) {
      this.drop();
      throw noRoom();
    }
    this.#memory = Buffer.allocUnsafeSlow(bytes);
    this.#memory.set(before.subarray(0, this.#size));
  }
}

function noRoom(): Fault {
  return new Fault('queue_full', 'The server is receiving too many large requests. Try again in a few seconds.', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });
}
