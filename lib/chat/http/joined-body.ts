import { type PieceWriter, StreamBody } from '#lib/http/stream-body';

/**
 * Several bodies as one, whose pieces follow each other as they arrive. It ends with `tail` after
 * the last of them, or with `failure` as soon as one could not begin.
 */
export class JoinedBody extends StreamBody {
  readonly #parts: readonly (StreamBody | Promise<StreamBody>)[];
  readonly #tail: () => string;
  readonly #failure: (error: unknown) => string;
  readonly #started = new Set<StreamBody>();
  #writer: PieceWriter | undefined;
  /** Text that came while the client was behind: at most one piece of each body. */
  #held = '';
  #isBehind = false;
  /** Bodies that have not ended. */
  #left: number;
  #isOver = false;

  /** `failure` is called with the error of a body that could not begin. Must not throw. */
  constructor(
    parts: readonly (StreamBody | Promise<StreamBody>)[],
    tail: () => string,
    failure: (error: unknown) => string,
  ) {
    super();
    this.#parts = parts;
    this.#tail = tail;
    this.#failure = failure;
    this.#left = parts.length;
  }

  start(writer: PieceWriter): void {
    this.#writer = writer;
    for (const part of this.#parts)
      if (part instanceof Promise)
        part.then(
          (body) => this.#begin(body),
          (error: unknown) => this.stop(this.#failure(error)),
        );
      else this.#begin(part);
  }

  resume(): void {
    this.#isBehind = false;
    const held = this.#held;
    this.#held = '';
    if (held !== '') this.#write(held);
    this.#endIfRead();
    for (const part of this.#started) if (!this.#isBehind) part.resume();
  }

  cancel(): void {
    this.#isOver = true;
    this.#writer = undefined;
    this.#cancelParts();
  }

  /** Ends with `last`: no body is read any further. */
  stop(last = ''): void {
    if (this.#isOver || this.#left === 0) return;
    this.#left = 0;
    this.#cancelParts();
    if (last !== '') this.#write(last);
    this.#endIfRead();
  }

  #begin(part: StreamBody): void {
    if (this.#isOver || this.#left === 0) {
      part.cancel();
      return;
    }
    this.#started.add(part);
    part.start({
      write: (text) => this.#write(text),
      end: () => this.#endPart(part),
      fail: (error) => {
        this.#writer?.fail(error);
        this.cancel();
      },
    });
  }

  #write(text: string): boolean {
    if (this.#isBehind) this.#held += text;
    else this.#isBehind = this.#writer?.write(text, false) === false;
    return !this.#isBehind;
  }

  #endPart(part: StreamBody): void {
    this.#started.delete(part);
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#write(this.#tail());
    this.#endIfRead();
  }

  /** The end waits until the client has read what is held. */
  #endIfRead(): void {
    if (this.#isOver || this.#left > 0 || this.#held !== '') return;
    this.#isOver = true;
    this.#writer?.end();
    this.#writer = undefined;
  }

  #cancelParts(): void {
    this.#started.clear();
    for (const part of this.#parts)
      if (part instanceof Promise)
        part.then(
          (body) => body.cancel(),
          () => {},
        );
      else part.cancel();
  }
}
