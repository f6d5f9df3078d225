import type { ResponseStreamEvent } from 'openai/resources/responses/responses';

/** What tests of the official openai client, over responses, share. */

export const WEATHER = {
  type: 'function' as const,
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: null,
};
export const CALL = { id: 'c1', function: { name: 'weather', arguments: { city: 'Bern' } } };

export async function eventsOf(stream: AsyncIterable<ResponseStreamEvent>): Promise<ResponseStreamEvent[]> {
  const events: ResponseStreamEvent[] = [];
  for await (const event of stream) events.push(event);
  return events;
}

export const types = (events: readonly ResponseStreamEvent[]) =>
  events.map(({ type }) => type.replace('response.', ''));
