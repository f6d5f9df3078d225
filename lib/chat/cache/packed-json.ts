/** JSON as bytes outside the heap, so that the memory of a kept value is known exactly. */
export class PackedJson<T> {
  readonly #bytes: Buffer;

  constructor(value: T) {
    const json = JSON.stringify(value);
    // A separate allocation: a slice of Node's shared pool would retain the whole pool.
    this.#bytes = Buffer.from(new ArrayBuffer(Buffer.byteLength(json)));
    this.#bytes.write(json);
  }

  get bytes(): number {
    return this.#bytes.byteLength;
  }

  get json(): string {
    return this.#bytes.toString();
  }

  /** Returns an equal value. */
  unpack(): T {
    return JSON.parse(this.json);
  }
}
