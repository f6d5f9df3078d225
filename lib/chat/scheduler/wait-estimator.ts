/** Weight of the newest generation in the moving average. */
const NEWEST_WEIGHT = 0.2;
const MAX_MODELS = 256;

/**
 * Estimates queue waits from exponentially weighted moving averages of measured run times, by key:
 * the model, for generations.
 */
export class WaitEstimator {
  readonly #fallbackMs: number;
  readonly #averageMsByModel = new Map<string, number>();
  #averageMs: number | undefined;

  readonly #others: WaitEstimator | undefined;

  /**
   * Until there is a measured value of a key, that of `others` is used, else `fallbackMs`.
   */
  constructor(fallbackMs: number, others?: WaitEstimator) {
    this.#fallbackMs = fallbackMs;
    this.#others = others;
  }

  /** With `isUsual`, the time is one of those over which `averageMs` is the average. */
  add(model: string, ms: number, isUsual = true): void {
    if (isUsual) this.#averageMs = movedAverage(this.#averageMs, ms);
    const average = movedAverage(this.#averageMsByModel.get(model), ms);
    // Re-inserted, so that the first key is the least recently measured model.
    this.#averageMsByModel.delete(model);
    this.#averageMsByModel.set(model, average);
    if (this.#averageMsByModel.size <= MAX_MODELS) return;
    const [oldest] = this.#averageMsByModel.keys();
    if (oldest !== undefined) this.#averageMsByModel.delete(oldest);
  }

  /** Average over all models. */
  get averageMs(): number {
    return this.#averageMs ?? this.#fallbackMs;
  }

  /** Whether the average is of at least one measured generation. */
  get isMeasured(): boolean {
    return this.#averageMs !== undefined;
  }

  /** Expected run time of one request. */
  averageOf(model: string): number {
    return this.#averageMsByModel.get(model) ?? this.#others?.averageOf(model) ?? this.#fallbackMs;
  }

  /** Expected wait at `position` of the queue while `slots` generations run at a time. */
  estimateMs(model: string, position: number, slots: number): number {
    return Math.round(this.averageOf(model) * Math.ceil(position / slots));
  }
}

/** An exponentially weighted moving average after one more value. */
export function movedAverage(average: number | undefined, value: number): number {
  return average === undefined ? value : average + NEWEST_WEIGHT * (value - average);
}
