/** Takes the pieces of a body, for one client. */
export interface PieceWriter {
  /**
   * Returns false if the client is behind: no more is written until `StreamBody.resume`. After the
   * last piece, only `end` is called.
   */
  write(text: string, isLast: boolean): boolean;
  /** Ends the body. */
  end(): void;
  /** Breaks the body off, so that the client sees that data is missing. */
  fail(error: Error): void;
}

/** A body that is written piece by piece, as fast as its client reads. */
export abstract class StreamBody {
  /** Begins to write. Called once, unless the client has left before. */
  abstract start(writer: PieceWriter): void;
  /** The client has read what was written. */
  abstract resume(): void;
  /** The client has left. Idempotent. */
  abstract cancel(): void;
}

/** The body for servers with web types. Nothing is written before it is read. */
export function toReadableStream(body: StreamBody): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let isStarted = false;
  return new ReadableStream(
    {
      pull(controller) {
        if (isStarted) return body.resume();
        isStarted = true;
        body.start({
          write(text) {
            controller.enqueue(utf8.encode(text));
            return false;
          },
          end: () => controller.close(),
          fail: (error) => controller.error(error),
        });
      },
      cancel: () => body.cancel(),
    },
    { highWaterMark: 0 },
  );
}
