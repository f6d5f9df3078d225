/** Values handed from callbacks to one async reader, in order. Ends by `end` or `fail`; what came before is read first. */
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

  /** Like `fail`, and what waits to be read is dropped. */
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
