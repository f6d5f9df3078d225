import { createParser } from 'eventsource-parser';
import { AppError } from '#lib/errors';

/** One event of an executor's stream. */
export interface ExecutorEvent {
  event: string;
  data: string;
}

/**
 * Parses server-sent events as they arrive, in time linear in their bytes for any chunks. Skips
 * comments. Throws `upstream_failed` as soon as an event exceeds `limitBytes`, so that an executor
 * can neither fill the memory of this process nor block its event loop.
 */
export async function* executorEvents(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): AsyncGenerator<ExecutorEvent> {
  let arrived: ExecutorEvent[] = [];
  let overflowed = false;
  const parser = createParser({
    // A character has at least one byte, so this bound in characters suffices.
    maxBufferSize: limitBytes,
    onEvent: ({ event = 'message', data }) => arrived.push({ event, data }),
    onError: ({ type }) => {
      overflowed ||= type === 'max-buffer-size-exceeded';
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunks) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (overflowed)
      throw new AppError(
        'upstream_failed',
        `The executor sent an event of more than ${limitBytes} bytes. Set CODE_MAX_OUTPUT_BYTES of the executor to that of this server.`,
      );
    const events = arrived;
    arrived = [];
    yield* events;
  }
}

/** Reads a JSON body. Throws an `Error` if it exceeds `limitBytes`, breaks off, or is not JSON. */
export async function readBoundedJson(chunks: AsyncIterable<Uint8Array>, limitBytes: number): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > limitBytes) throw new Error(`the executor sent more than ${limitBytes} bytes of JSON`);
    parts.push(chunk);
  }
  return JSON.parse(Buffer.concat(parts).toString('utf8'));
}
