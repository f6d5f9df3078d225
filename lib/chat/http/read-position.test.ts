import { expect, it } from 'vitest';
import { GenerationLog } from '#lib/chat/generation/generation-log';
import { readPosition } from '#lib/chat/http/read-position';

function logOf(count: number): GenerationLog {
  const log = new GenerationLog();
  for (let index = 0; index < count; index++) log.append({ type: 'content', text: 'a' });
  return log;
}

const requestOf = (count: number, isShared: boolean) => ({ log: logOf(count), eventOffset: 0, isShared });

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
