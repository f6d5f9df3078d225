import { type PieceWriter, StreamBody } from '#lib/http/stream-body';

export interface MergedStreamOptions {
  /** Written after the last piece, once all parts have ended. */
  readonly end: () => string;
  /** Whether the part with this index ended with an error. All others end with it. */
  readonly hasFailed: (index: number) => boolean;
  /** The last piece after a part that failed before it began. */
  readonly encodeError: (error: unknown) => string;
  /** Called once if a part fails. */
  readonly onFailed: () => void;
}

/**
 * Several streams as one body: their pieces are written as they come. Resolves when the first of
 * them has something to send, and rejects if one fails before that.
 */
export async function mergedStream(
  parts: readonly Promise<StreamBody>[],
  options: MergedStreamOptions,
): Promise<StreamBody> {
  try {
    await Promise.race(parts);
  } catch (error) {
    for (const part of parts) part.then((body) => body.cancel(), ignore);
    options.onFailed();
    throw error;
  }
  return new MergedBody(parts, options);
}

class MergedBody extends StreamBody {
  readonly #parts: readonly Promise<StreamBody>[];
  readonly #options: MergedStreamOptions;
  /** Those that have begun and not ended. */
  readonly #running = new Set<StreamBody>();
  #unfinished: number;
  #writer: PieceWriter | undefined;
  /** The client reads slowly: nothing more is written until it has read all. */
  #isBehind = false;
  /** Pieces that came since then, at most one of each part. */
  #held = '';
  /** Nothing follows on what is held. */
  #isOver = false;

  constructor(parts: readonly Promise<StreamBody>[], options: MergedStreamOptions) {
    super();
    this.#parts = parts;
    this.#options = options;
    this.#unfinished = parts.length;
  }

  start(writer: PieceWriter): void {
    this.#writer = writer;
    for (const [index, part] of this.#parts.entries())
      part.then(
        (body) => this.#begin(body, index),
        (error: unknown) => this.#fail(this.#options.encodeError(error)),
      );
  }

  resume(): void {
    this.#isBehind = false;
    if (this.#held !== '') this.#write('');
    if (this.#isOver) this.#end();
    else for (const body of this.#running) if (!this.#isBehind) body.resume();
  }

  cancel(): void {
    this.#isOver = true;
    this.#writer = undefined;
    this.#held = '';
    for (const part of this.#parts) part.then((body) => body.cancel(), ignore);
    this.#running.clear();
  }

  #begin(body: StreamBody, index: number): void {
    if (this.#isOver) {
      body.cancel();
      return;
    }
    this.#running.add(body);
    body.start({
      write: (text) => this.#write(text),
      end: () => {
        this.#running.delete(body);
        this.#unfinished -= 1;
        if (this.#options.hasFailed(index)) this.#fail('');
        else if (this.#unfinished === 0) this.#finish(this.#options.end());
      },
      fail: (error) => {
        const writer = this.#writer;
        this.cancel();
        writer?.fail(error);
      },
    });
  }

  /** Returns whether the client reads fast enough. */
  #write(text: string): boolean {
    this.#held += text;
    if (this.#isBehind || this.#writer === undefined) return false;
    const piece = this.#held;
    this.#held = '';
    this.#isBehind = !this.#writer.write(piece, this.#isOver);
    return !this.#isBehind;
  }

  #fail(text: string): void {
    if (this.#isOver) return;
    for (const body of this.#running) body.cancel();
    this.#running.clear();
    this.#options.onFailed();
    this.#finish(text);
  }

  #finish(text: string): void {
    this.#isOver = true;
    if (text !== '') this.#write(text);
    if (this.#held === '') this.#end();
  }

  #end(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.end();
  }
}

/** The failure of one part ends all, and is reported once. */
function ignore(): void {}
