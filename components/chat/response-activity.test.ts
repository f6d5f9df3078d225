import { beforeEach, describe, expect, it } from 'vitest';
import type { AssistantMessage, Thread } from './conversation.ts';
import { type EndedResponse, ResponseActivity } from './response-activity.ts';
import { newResponse } from './response-states.ts';

let inView: string | undefined;
let followed: boolean;
let posts: (readonly string[])[];
let stored: (readonly string[])[];
let ended: EndedResponse[];
let activity: ResponseActivity;

beforeEach(() => {
  inView = undefined;
  followed = true;
  posts = [];
  stored = [];
  ended = [];
  activity = new ResponseActivity({
    isFollowed: () => followed,
    isInView: (id) => id === inView,
    post: (running) => posts.push(running),
    storeUnread: (ids) => stored.push(ids),
    onEnd: (response) => ended.push(response),
  });
});

const response = (change: Partial<AssistantMessage> = {}): AssistantMessage => ({
  ...newResponse('r', 'c', 'q', 1),
  ...change,
});
const threads = (message: AssistantMessage): { threads: ReadonlyMap<string, Thread> } => ({
  threads: new Map([['c', new Map([[message.id, message]])]]),
});

describe('ResponseActivity', () => {
  it('reports a running conversation once, and its end', () => {
    activity.update(threads(response()));
    activity.update(threads(response({ state: 'streaming', content: 'a' })));
    expect([...activity.state().running]).toEqual(['c']);
    activity.update(threads(response({ state: 'done' })));
    expect([...activity.state().running]).toEqual([]);
    expect(posts).toEqual([['c'], []]);
  });

  it('marks a response that ended out of view as unread until it is seen', () => {
    activity.update(threads(response()));
    activity.update(threads(response({ state: 'done' })));
    expect([...activity.state().unread]).toEqual(['c']);
    activity.markRead('c');
    expect([...activity.state().unread]).toEqual([]);
    expect(stored).toEqual([['c'], []]);
  });

  it('marks nothing that is in view or that the reader stopped', () => {
    inView = 'c';
    activity.update(threads(response()));
    activity.update(threads(response({ state: 'failed' })));
    inView = undefined;
    activity.update(threads(response()));
    activity.update(threads(response({ state: 'stopped' })));
    expect([...activity.state().unread]).toEqual([]);
    expect(ended.map(({ message }) => message.state)).toEqual(['failed']);
  });

  it('remembers that the response was queued', () => {
    activity.update(threads(response({ queue: { position: 1, length: 2, waitMs: 5 } })));
    activity.update(threads(response({ state: 'streaming' })));
    activity.update(threads(response({ state: 'done' })));
    expect(ended).toMatchObject([{ conversationId: 'c', wasQueued: true }]);
  });

  it('leaves the end of a response to the tab that follows it', () => {
    followed = false;
    activity.update(threads(response()));
    activity.update(threads(response({ state: 'done' })));
    expect(ended).toEqual([]);
    expect([...activity.state().unread]).toEqual([]);
  });

  it('adds what other tabs run, until they end it or do not respond', () => {
    activity.setPeer('tab', ['a', 'b']);
    expect([...activity.state().running]).toEqual(['a', 'b']);
    activity.setPeer('tab', []);
    expect([...activity.state().running]).toEqual([]);
  });

  it('shows nothing as running that only a crashed tab reported', () => {
    activity.update(threads(response()));
    activity.setPeer('tab', ['a']);
    activity.clearPeers();
    expect([...activity.state().running]).toEqual(['c', 'a']);
    activity.dropSilentPeers();
    expect([...activity.state().running]).toEqual(['c']);
  });

  it('reads the unread list of another tab without the conversation in view', () => {
    inView = 'b';
    activity.setUnread(['a', 'b']);
    expect([...activity.state().unread]).toEqual(['a']);
    expect(stored).toEqual([['a']]);
  });
});
