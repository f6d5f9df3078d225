import { expect, it } from 'vitest';
import { BROWSER_STRINGS } from '#lib/browser/strings';
import type { FollowOptions, FollowResponse } from './chat-state.ts';
import type { AssistantMessage } from './conversation.ts';
import { followLate } from './follow-late.ts';
import { newResponse } from './response-states.ts';

const initial = newResponse('a', 'c', 'q', 1);
const unavailable = () => Promise.reject(new Error('The server is away.'));
const open = () => Promise.reject(new Error('never opened'));

function watched() {
  const updates: AssistantMessage[] = [];
  const pauses: number[] = [];
  const abort = new AbortController();
  const options: FollowOptions = {
    effects: {
      resume: open,
      now: () => 2,
      pause: async (ms) => void pauses.push(ms),
      online: async () => true,
    },
    signal: abort.signal,
    update: (message) => void updates.push(message),
  };
  return { updates, pauses, abort, options };
}

it('fails a new request with a sentence if the code cannot be fetched', async () => {
  const { updates, pauses, options } = watched();
  await followLate(unavailable, initial, open, options);
  expect(updates).toMatchObject([{ state: 'failed', failure: { message: BROWSER_STRINGS.unreachable } }]);
  expect(pauses).toEqual([]);
});

it('follows an interrupted response when the code can be fetched again', async () => {
  const { updates, pauses, options } = watched();
  const followed: string[] = [];
  const follow: FollowResponse = async ({ id }) => void followed.push(id);
  const fetchCode = () => (pauses.length < 3 ? unavailable() : Promise.resolve({ followResponse: follow }));
  await followLate(fetchCode, initial, undefined, options);
  expect(followed).toEqual(['a']);
  expect(updates).toEqual([]);
});

it('gives an interrupted response up after about a minute', async () => {
  const { updates, pauses, options } = watched();
  await followLate(unavailable, initial, undefined, options);
  expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThan(50_000);
  expect(updates).toMatchObject([{ state: 'failed', failure: { code: 'unreachable' } }]);
});

it('sends nothing after the reader stopped a response whose code was on its way', async () => {
  const { updates, abort, options } = watched();
  const followed: string[] = [];
  const follow: FollowResponse = async ({ id }) => void followed.push(id);
  const arriving = Promise.withResolvers<{ followResponse: FollowResponse }>();
  const following = followLate(() => arriving.promise, initial, open, options);
  abort.abort();
  arriving.resolve({ followResponse: follow });
  await following;
  expect(followed).toEqual([]);
  expect(updates).toEqual([]);
});
