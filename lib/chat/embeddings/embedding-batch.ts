import type { Clock } from '#lib/chat/clock';
import type { Embedding } from '#lib/chat/embeddings/embedding-cache';
import { AppError } from '#lib/errors';
import type { EmbedInput, EmbedResult } from '#lib/models/embedding';

/** Inputs that are sent to the model server in one request. */
export interface BatchInput {
  readonly key: string;
  readonly input: EmbedInput;
}

/** More would hold a slot for long, and the response would be near the bound of one. */
const MAX_BATCH_INPUTS = 64;
/** Of text. A longer input alone is one batch. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Splits inputs into batches of at most 64 inputs and 256 KiB, in their order. */
export function splitIntoBatches(inputs: readonly BatchInput[]): BatchInput[][] {
  const batches: BatchInput[][] = [];
  let batch: BatchInput[] = [];
  let bytes = 0;
  for (const one of inputs) {
    const size = inputBytes(one.input);
    if (batch.length > 0 && (batch.length >= MAX_BATCH_INPUTS || bytes + size > MAX_BATCH_BYTES)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/** Memory of an input, at most: a character has two bytes, and a number eight. */
export function inputBytes(input: EmbedInput): number {
  return typeof input === 'string' ? 2 * input.length : 8 * input.length;
}

/**
 * Splits the tokens of a batch among its inputs by their lengths. The shares add up to the total:
 * a request gets the sum that the model server counted.
 */
function tokenShares(inputs: readonly EmbedInput[], total: number): number[] {
  const lengths = inputs.map((input) => input.length);
  let restLength = lengths.reduce((sum, length) => sum + length, 0);
  let rest = total;
  return lengths.map((length, index) => {
    const isLast = index === lengths.length - 1;
    const share = isLast || restLength === 0 ? (isLast ? rest : 0) : Math.round((rest * length) / restLength);
    rest -= share;
    restLength -= length;
    return share;
  });
}

/**
 * One request at the model server, shared by all requests that need an input of it. It is aborted
 * when no request retains it any more, after the grace period.
 */
export class EmbeddingBatch {
  readonly inputs: readonly BatchInput[];
  readonly #result = Promise.withResolvers<readonly Embedding[]>();
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  readonly #graceMs: number;
  #refCount = 0;
  #isSettled = false;
  #cancelGraceTimer: (() => void) | undefined;

  constructor(inputs: readonly BatchInput[], { clock, graceMs }: { clock: Clock; graceMs: number }) {
    this.inputs = inputs;
    this.#clock = clock;
    this.#graceMs = graceMs;
    // Reported to its readers, who may have left.
    this.#result.promise.catch(() => {});
  }

  /** The embeddings in the order of the inputs. */
  get result(): Promise<readonly Embedding[]> {
    return this.#result.promise;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get bytes(): number {
    return this.inputs.reduce((bytes, { input }) => bytes + inputBytes(input), 0);
  }

  resolve({ vectors, promptTokens }: EmbedResult): readonly Embedding[] {
    const shares = tokenShares(
      this.inputs.map(({ input }) => input),
      promptTokens,
    );
    const embeddings = vectors.map((vector, index) => ({ vector, promptTokens: shares[index] ?? 0 }));
    this.#result.resolve(embeddings);
    this.#settle();
    return embeddings;
  }

  reject(error: unknown): void {
    this.#result.reject(error);
    this.#settle();
  }

  /** Keeps the batch going until the matching `release`. */
  retain(): void {
    this.#refCount += 1;
    this.#dropTimer();
  }

  /**
   * Undoes one `retain`. After the last one the batch is aborted, `isFailed` at once. One that has
   * ended starts no timer: that would hold its vectors for the grace period.
   */
  release(isFailed: boolean): void {
    this.#refCount -= 1;
    if (this.#refCount > 0 || this.#isSettled) return;
    if (isFailed) this.#abort.abort(ABANDONED);
    else this.#cancelGraceTimer ??= this.#clock.after(this.#graceMs, () => this.#abort.abort(ABANDONED));
  }

  #settle(): void {
    this.#isSettled = true;
    this.#dropTimer();
  }

  #dropTimer(): void {
    this.#cancelGraceTimer?.();
    this.#cancelGraceTimer = undefined;
  }
}

/** Shared instance: thousands of batches may be left at once. */
const ABANDONED = new AppError('cancelled', 'The request was cancelled because no client was connected.');
