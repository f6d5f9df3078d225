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
  /** Text that a part wrote while the client was behind: at most one piece of each. */
  #held = '';
  #isBehind = false;
  #left: number;
  #isOver = false;

  /** `failure` is called with the error of a part that could not begin. Must not throw. */
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
          (error: unknown) => this.#end(this.#failure(error)),
        );
      else this.#begin(part);
  }

  resume(): void {
    this.#isBehind = false;
    const held = this.#held;
    this.#held = '';
    if (held !== '') this.#write(held);
    if (this.#left === 0) this.#end('');
    for (const part of this.#started) if (!this.#isBehind) part.resume();
  }

  cancel(): void {
    this.#isOver = true;
    this.#writer = undefined;
    for (const part of this.#parts)
      if (part instanceof Promise)
        part.then(
          (body) => body.cancel(),
          () => {},
        );
      else part.cancel();
  }

  #begin(part: StreamBody): void {
    if (this.#isOver) {
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
    this.#end('');
  }

  /** The end waits until the client has read what is held. */
  #end(last: string): void {
    if (this.#isOver) return;
    if (last !== '') {
      this.#left = 0;
      this.#write(last);
    }
    if (this.#held !== '') return;
    const writer = this.#writer;
    this.cancel();
    writer?.end();
  }
}
