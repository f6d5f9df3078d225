import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEvents, type ServerSentEvent } from '#lib/browser/server-sent-events';

const STREAM =
  'data: {"content":"Grüße, 世界 👋🏽"}\n\n: comment\n\nid: 7\nevent: stdout\ndata: a\ndata: b\n\nretry: 5\n\r\ndata: {"done":true}\r\n\r\n';

const EVENTS: ServerSentEvent[] = [
  { event: 'message', data: '{"content":"Grüße, 世界 👋🏽"}', id: undefined },
  { event: 'stdout', data: 'a\nb', id: '7' },
  { event: 'message', data: '{"done":true}', id: undefined },
];

function cut(text: string, positions: number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const cuts = [0, ...positions.map((position) => position % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return new ReadableStream({
    start(controller) {
      for (const [index, from] of cuts.slice(0, -1).entries()) controller.enqueue(bytes.slice(from, cuts[index + 1]));
      controller.close();
    },
  });
}

async function all(events: AsyncIterable<ServerSentEvent>): Promise<ServerSentEvent[]> {
  const read: ServerSentEvent[] = [];
  for await (const event of events) read.push(event);
  return read;
}

describe('readEvents', () => {
  it('reads the same events for any chunk boundaries', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 40 }), async (positions) => {
        expect(await all(readEvents(cut(STREAM, positions)))).toEqual(EVENTS);
      }),
    );
  });

  it('yields the last event of a stream that ends without a blank line', async () => {
    const events = await all(readEvents(cut('data: {"done":true}', [])));
    expect(events.map((event) => event.data)).toEqual(['{"done":true}']);
  });

  it('yields an event as soon as it is complete', async () => {
    let push: (text: string) => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        push = (text) => controller.enqueue(new TextEncoder().encode(text));
      },
    });
    const events = readEvents(body);
    push('data: 1\n\nda');
    expect((await events.next()).value?.data).toBe('1');
    push('ta: 2\n\n');
    expect((await events.next()).value?.data).toBe('2');
    await events.return();
  });

  it('cancels the body when the reader leaves the loop', async () => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
      cancel: () => {
        cancelled = true;
      },
    });
    for await (const _ of readEvents(body)) break;
    expect(cancelled).toBe(true);
  });
});
