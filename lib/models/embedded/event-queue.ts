/**
 * A queue from callbacks to one async reader. Its end or error is read after all earlier values.
 */
export class EventQueue<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #ended: { error?: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(value: T): void {
    if (this.#ended !== undefined) return;
    this.#values.push(value);
    this.#wake?.();
  }

  end(): void {
    this.#ended ??= {};
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#ended ??= { error };
    this.#wake?.();
  }

  /** Like `fail`, but drops the unread values. */
  abort(error: unknown): void {
    this.#values = [];
    this.#ended = { error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const values = this.#values;
      this.#values = [];
      for (const value of values) yield value;
      if (this.#values.length > 0) continue;
      if (this.#ended !== undefined) {
        if ('error' in this.#ended) throw this.#ended.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
