import { KIB } from '#lib/units';

/** Made in one turn of the event loop. */
const PIECE_CHARACTERS = 64 * KIB;

/**
 * A body that is made while it is sent, so that a long one does not stop other requests. `release`
 * is called after its end, or when its client leaves.
 */
export function textStream(parts: Iterator<string>, release: () => void = () => {}): ReadableStream<Uint8Array> {
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
            release();
            return;
          }
          text += next.value;
        }
        controller.enqueue(utf8.encode(text));
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}
