/** Weight of the newest generation in the moving average. */
const NEWEST_WEIGHT = 0.2;
const MAX_MODELS = 256;

/**
 * Estimates queue waits from exponentially weighted moving averages of measured generation times.
 */
export class WaitEstimator {
  readonly #fallbackMs: number;
  readonly #averageMsByModel = new Map<string, number>();
  #averageMs: number | undefined;

  /** `fallbackMs` is used until there is a measured value. */
  constructor(fallbackMs: number) {
    this.#fallbackMs = fallbackMs;
  }

  add(model: string, ms: number): void {
    this.#averageMs = movedAverage(this.#averageMs, ms);
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

  /** Expected wait at `position` of the queue while `slots` generations run at a time. */
  estimateMs(model: string, position: number, slots: number): number {
    return Math.round((this.#averageMsByModel.get(model) ?? this.#fallbackMs) * Math.ceil(position / slots));
  }
}

function movedAverage(average: number | undefined, value: number): number {
  return average === undefined ? value : average + NEWEST_WEIGHT * (value - average);
}
