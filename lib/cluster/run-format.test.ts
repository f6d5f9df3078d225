import { expect, it } from 'vitest';
import { ABANDONED, CANCELLATIONS } from '#lib/chat/generation/cancellation';
import { WORKER_LOST } from '#lib/cluster/lost-runs';
import {
  decodeEvents,
  decodeRun,
  decodeTicket,
  type EntryEvent,
  encodeEvents,
  parseEntryId,
} from '#lib/cluster/run-format';
import { AppError } from '#lib/errors';

it('reads the events that it has written', () => {
  const events: EntryEvent[] = [
    { type: 'started', server: 'abcd', model: 'm' },
    { type: 'thinking', text: 'hm' },
    { type: 'content', text: 'é 🙂' },
    { type: 'tool_calls', tool_calls: [{ function: { name: 'f', arguments: { a: [1, null] } } }] },
    { type: 'logprobs', logprobs: [{ token: 'a', logprob: -1, top_logprobs: [] }] },
    {
      type: 'done',
      done_reason: 'stop',
      usage: { prompt_tokens: 1, completion_tokens: 2 },
      durations: { load_ns: 3 },
      context: [1, 2],
      stop_sequence: '.',
    },
  ];
  expect(decodeEvents(encodeEvents(events))).toEqual(events);
});

it.each([CANCELLATIONS.user, CANCELLATIONS.operator, ABANDONED])(
  'reads the errors of cancelled requests as those that all share',
  (error) => {
    const [event] = decodeEvents(encodeEvents([{ type: 'error', error }])) ?? [];
    expect(event?.type === 'error' && event.error).toBe(error);
  },
);

it('reads an error with its code, sentence and figures', () => {
  const error = new AppError('queue_full', 'It is full.', {
    data: { queue_length: 3 },
    retryAfterSeconds: 13,
    operatorMessage: 'Set QUEUE_MAX_LENGTH.',
  });
  for (const one of [error, WORKER_LOST.error]) {
    const [event] = decodeEvents(encodeEvents([{ type: 'error', error: one }])) ?? [];
    const read = event?.type === 'error' ? event.error : undefined;
    const { code, message, data, retryAfterSeconds, operatorMessage } = one;
    expect(read).toMatchObject({ code, message });
    expect([read?.data, read?.retryAfterSeconds, read?.operatorMessage]).toEqual([
      data,
      retryAfterSeconds,
      operatorMessage,
    ]);
  }
});

it.each([undefined, '', '{', '[{"type":"unknown"}]', '{"type":"content"}'])('reads %s as no entry', (text) => {
  expect(decodeEvents(text)).toBeUndefined();
});

it('reads runs and tickets of another version without the fields that it does not know', () => {
  const run = { state: 'queued', lane: 'l', group: '', caller: 'c', priority: '2', model: 'm', createdAt: '17' };
  expect(decodeRun({ ...run, later: 'x' })).toMatchObject({ priority: 2, createdAt: 17, attempt: 0, owner: '' });
  expect(decodeRun({ ...run, state: 'paused' })).toBeUndefined();
  expect(decodeRun({})).toBeUndefined();
  const source = JSON.stringify({ cacheStatus: 'miss', ignoredFields: [], droppedFields: [] });
  expect(decodeTicket({ run: 'r', caller: 'c', createdAt: '5', detached: '1', source })).toMatchObject({
    detached: true,
    source: { cacheStatus: 'miss' },
  });
  // An id that was claimed and is not used yet.
  expect(decodeTicket({ run: '' })).toBeUndefined();
});

it('knows attempt and number of an entry', () => {
  expect(parseEntryId('3-17')).toEqual({ attempt: 3, number: 17 });
});
