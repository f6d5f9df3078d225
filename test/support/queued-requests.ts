import { createParser } from 'eventsource-parser';
import type { RunningApp } from './running-app.ts';

/** An event of the stream of a queued request. A status has no id. */
export interface QueueEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

/** Accepts a question without a reader. Returns its id. Throws for any other reply than 202. */
export async function enqueue(
  { url }: RunningApp,
  content: string,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<string> {
  const response = await fetch(`${url}/api/chat-queue`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content }], ...fields }),
    signal: AbortSignal.timeout(15_000),
  });
  const body = await response.json();
  if (response.status !== 202) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
  return body.request_id;
}

/** The state of a queued request, with the status of the reply. */
export async function poll({ url }: RunningApp, id: string) {
  const response = await fetch(`${url}/api/chat-queue?requestId=${id}`, { signal: AbortSignal.timeout(15_000) });
  const body: Record<string, unknown> = await response.json();
  return { status: response.status, body };
}

export async function cancel({ url }: RunningApp, id: string): Promise<number> {
  const options = { method: 'DELETE', signal: AbortSignal.timeout(15_000) };
  return (await fetch(`${url}/api/chat-queue?requestId=${id}`, options)).status;
}

/**
 * Reads the stream of a queued request: to its end, or until `isEnough`. `after` is the id of the
 * last event that the reader has.
 */
export async function readQueued(
  { url }: RunningApp,
  id: string,
  { after, isEnough = () => false }: { after?: string; isEnough?: (events: readonly QueueEvent[]) => boolean } = {},
): Promise<QueueEvent[]> {
  const response = await fetch(`${url}/api/chat-queue?requestId=${id}`, {
    headers: { accept: 'text/event-stream', ...(after === undefined ? {} : { 'last-event-id': after }) },
    signal: AbortSignal.timeout(60_000),
  });
  if (response.status === 204) return [];
  if (response.status !== 200 || response.body === null)
    throw new Error(`${response.status}: ${await response.text()}`);
  const events: QueueEvent[] = [];
  const parser = createParser({
    onEvent: ({ id: number, event = '', data }) => events.push({ id: number, type: event, data: JSON.parse(data) }),
  });
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    // Leaving the loop ends the connection.
    if (isEnough(events)) break;
  }
  return events;
}

/** The text that events have brought. */
export function textOf(events: readonly QueueEvent[]): string {
  return events
    .filter(({ type }) => type === 'content')
    .map(({ data }) => String(data.content ?? ''))
    .join('');
}

/** The numbers of events, in order. */
export function numbersOf(events: readonly QueueEvent[]): number[] {
  return events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
}
