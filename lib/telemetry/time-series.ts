/** Points are this far apart, at whole multiples of it since the epoch. */
export interface TimeSeriesSize {
  readonly stepMs: number;
  /** The newest points that are kept. */
  readonly capacity: number;
}

/**
 * A ring of points at equal steps of time, each with a value of every field, in one typed array of
 * a fixed size. NaN is no value.
 */
export class TimeSeries<Field extends string> {
  readonly #fields: readonly Field[];
  readonly #stepMs: number;
  readonly #capacity: number;
  readonly #values: Float32Array;
  /** The step that a place of the ring holds: an older one is not part of the series any more. */
  readonly #steps: Float64Array;
  #newestStep = Number.NEGATIVE_INFINITY;

  constructor(fields: readonly Field[], { stepMs, capacity }: TimeSeriesSize) {
    this.#fields = fields;
    this.#stepMs = stepMs;
    this.#capacity = capacity;
    this.#values = new Float32Array(capacity * fields.length);
    this.#steps = new Float64Array(capacity);
  }

  /** When the newest point was taken, rounded to its step; undefined without a point. */
  get newestAt(): number | undefined {
    return Number.isFinite(this.#newestStep) ? this.#newestStep * this.#stepMs : undefined;
  }

  /**
   * Adds a point at the step next to `at`. Steps without a point stay gaps. A clock that went back
   * starts the series again.
   */
  add(at: number, point: Readonly<Record<Field, number>>): void {
    const step = Math.round(at / this.#stepMs);
    if (step < this.#newestStep) this.#steps.fill(0);
    this.#newestStep = step;
    const place = step % this.#capacity;
    this.#steps[place] = step;
    for (const [index, field] of this.#fields.entries())
      this.#values[place * this.#fields.length + index] = point[field];
  }

  /** The points after `since`, oldest first, at most the newest `limit`. */
  points(since: number, limit = this.#capacity): { at: number; point: Record<Field, number> }[] {
    const newest = this.#newestStep;
    if (!Number.isFinite(newest)) return [];
    const oldest = Math.max(newest - Math.min(limit, this.#capacity) + 1, Math.floor(since / this.#stepMs) + 1);
    const found: { at: number; point: Record<Field, number> }[] = [];
    for (let step = oldest; step <= newest; step += 1)
      if (this.#steps[step % this.#capacity] === step) found.push({ at: step * this.#stepMs, point: this.#at(step) });
    return found;
  }

  #at(step: number): Record<Field, number> {
    const from = (step % this.#capacity) * this.#fields.length;
    const entries = this.#fields.map((field, index) => [field, this.#values[from + index] ?? Number.NaN] as const);
    return Object.fromEntries(entries) as Record<Field, number>;
  }
}
