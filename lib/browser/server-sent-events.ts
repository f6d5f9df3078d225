import { createParser } from 'eventsource-parser';

export interface ServerSentEvent {
  /** `message` if the stream names none. */
  event: string;
  data: string;
  id: string | undefined;
}

/**
 * The events of a `text/event-stream` body; chunk boundaries may cut characters, lines and events.
 * Leaving the loop early cancels the body, which closes the connection.
 */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent, void, undefined> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const ready: ServerSentEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data, id }) => ready.push({ event: event ?? 'message', data, id }),
  });
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      parser.feed(done ? decoder.decode() : decoder.decode(value, { stream: true }));
      // Some servers omit the blank line after the last event. The event still counts.
      if (done) parser.feed('\n\n');
      yield* ready.splice(0);
      if (done) return;
    }
  } finally {
    // A stream that has failed rejects again; the loop has thrown its error.
    if (!ended) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}
