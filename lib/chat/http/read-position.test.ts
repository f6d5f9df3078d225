import { expect, it } from 'vitest';
import { ALONE_OFFSET, attemptOffset, eventNumber } from '#lib/chat/generation/event-numbers';
import { GenerationLog } from '#lib/chat/generation/generation-log';
import { readPosition } from '#lib/chat/http/read-position';
import { AppError } from '#lib/errors';

function logOf(count: number): GenerationLog {
  const log = new GenerationLog();
  for (let index = 0; index < count; index++) log.append({ type: 'content', text: 'a' });
  return log;
}

const requestOf = (count: number, isShared: boolean, attempt = 1) => ({
  log: logOf(count),
  eventOffset: attemptOffset(attempt),
  endOffset: attemptOffset(attempt),
  isShared,
});

function lost(count: number) {
  const request = { ...requestOf(count, true), endOffset: attemptOffset(2) };
  request.log.append({ type: 'error', error: new AppError('worker_lost', 'The server was lost.') });
  return request;
}

it('continues after the event that a reader had last', () => {
  expect(readPosition('2', requestOf(3, false))).toEqual({ after: 2, hasAll: false, isRestarted: false });
  expect(readPosition(null, requestOf(3, false)).after).toBe(0);
  expect(readPosition('none', requestOf(3, true)).after).toBe(0);
});

it('waits for an event that another server has written already', () => {
  expect(readPosition('9', requestOf(3, true))).toMatchObject({ after: 9, isRestarted: false });
  expect(readPosition('9', requestOf(3, false))).toMatchObject({ after: 0, isRestarted: false });
});

it('begins again where a shared request has lost all events that the reader had', () => {
  expect(readPosition('9', requestOf(0, true))).toEqual({ after: 0, hasAll: false, isRestarted: true });
  expect(readPosition(null, requestOf(0, true)).isRestarted).toBe(false);
});

it('begins again where another attempt writes, however much a reader had of the one before', () => {
  for (const given of ['1', '3', '900'])
    expect(readPosition(given, requestOf(3, true, 2))).toEqual({ after: 0, hasAll: false, isRestarted: true });
  const number = String(eventNumber(requestOf(3, true, 2), 2));
  expect(Number(number)).toBeGreaterThan(2 ** 20);
  expect(readPosition(number, requestOf(3, true, 2))).toEqual({ after: 2, hasAll: false, isRestarted: false });
});

it('begins again where a reader has the text of another server than the one of this log', () => {
  const restarted = { after: 0, hasAll: false, isRestarted: true };
  const first = requestOf(3, true);
  const alone = { ...first, eventOffset: ALONE_OFFSET, endOffset: ALONE_OFFSET };
  const second = requestOf(3, true, 2);
  for (const [log, other] of [
    [first, second],
    [first, alone],
    [alone, first],
    [alone, second],
    [second, alone],
  ] as const)
    for (const place of [1, 3]) expect(readPosition(String(eventNumber(other, place)), log)).toEqual(restarted);
  expect(readPosition(String(eventNumber(alone, 2)), alone)).toEqual({ after: 2, hasAll: false, isRestarted: false });
});

it('gives the end of a lost server to readers that had an event in its place, and to no other twice', () => {
  const request = lost(3);
  // The server had shown a fourth and a fifth event, which no other one knows.
  for (const given of ['3', '4', '5']) expect(readPosition(given, request)).toMatchObject({ after: 3, hasAll: false });
  expect(readPosition('2', request)).toMatchObject({ after: 2, hasAll: false });
  const end = String(eventNumber(request, 4));
  expect(Number(end)).toBeGreaterThan(2 ** 20);
  expect(readPosition(end, request)).toEqual({ after: 4, hasAll: true, isRestarted: false });
});

it('has nothing more for a reader of a response that has ended', () => {
  const request = requestOf(2, false);
  request.log.append({ type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2 } });
  expect(readPosition('3', request)).toEqual({ after: 3, hasAll: true, isRestarted: false });
  expect(readPosition('2', request)).toEqual({ after: 2, hasAll: false, isRestarted: false });
});
