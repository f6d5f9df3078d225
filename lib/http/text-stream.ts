import { KIB } from '#lib/units';

/** Made in one turn of the event loop. */
const PIECE_CHARACTERS = 64 * KIB;

/** A body that is made while it is sent, so that a long one does not stop other requests. */
export function textStream(parts: Generator<string>): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        let text = '';
        while (text.length < PIECE_CHARACTERS) {
          const next = parts.next();
          if (next.done === true) {
            controller.enqueue(utf8.encode(text));
            controller.close();
            return;
          }
          text += next.value;
        }
        controller.enqueue(utf8.encode(text));
      },
    },
    { highWaterMark: 0 },
  );
}
