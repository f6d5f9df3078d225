import { beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '#lib/browser/api-client';
import type { ChatEvent } from '#lib/wire/chat';
import { ChatStoreStage, DONE, LOST, last, SEES, say, settle, shown } from '../../test/support/chat-store.ts';
import type { Conversation } from './conversation.ts';

let stage: ChatStoreStage;

beforeEach(() => {
  stage = new ChatStoreStage();
});

/** Reloads the page after the first part of a response, `ha`. `change` runs between the two. */
async function reloadDuringResponse(change = () => {}) {
  const before = stage.newStore();
  const id = before.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
  await settle();
  last(stage.asked).feed.push(say('ha'));
  await settle();
  before.flush();
  await settle();
  change();
  const store = stage.newStore();
  await store.load();
  await store.open(id);
  await settle();
  return { store, id };
}

describe('a response that does not complete', () => {
  it('stops here and on the server, and keeps the received text', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('half'));
    await settle();
    store.stop(id, last(shown(store, id)).id);
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(stage.asked).signal.aborted).toBe(true);
    expect(stage.cancelled).toEqual([last(stage.asked).asking.requestId]);
    last(stage.asked).feed.push(say(' more'));
    await settle();
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(await stage.history.messages(id))).toMatchObject({ state: 'stopped', content: 'half' });
  });

  it('shows a failed cancellation and retries it on the next stop', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('half'));
    await settle();
    stage.cancelFails = new ApiError('The server cannot be reached.', 0, 'unreachable');
    const response = last(shown(store, id));
    store.stop(id, response.id);
    await settle();
    const told = { state: 'stopped', content: 'half', stopFailure: 'The server cannot be reached.' };
    expect(last(shown(store, id))).toMatchObject(told);
    expect(last(await stage.history.messages(id))).toMatchObject(told);
    stage.cancelFails = undefined;
    store.stop(id, response.id);
    await settle();
    expect(stage.cancelled).toEqual([last(stage.asked).asking.requestId]);
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(shown(store, id))).not.toHaveProperty('stopFailure');
  });

  it('shows the message of a refusal', async () => {
    stage.refuse = new ApiError('The queue is full.', 503, 'queue_full', 30);
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    expect(last(shown(store, id))).toMatchObject({
      state: 'failed',
      failure: { message: 'The queue is full.', code: 'queue_full' },
    });
    expect(stage.resumed).toEqual([]);
  });

  it('resumes by its id what its server could not end, and keeps its text where that fails', async () => {
    const store = stage.newStore();
    const stop: ChatEvent = { done: true, error: 'The server is stopping.', code: 'shutting_down', request_id: 'own' };
    const id = store.send({ conversationId: null, text: 'Count', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push({ status: 'queued', request_id: 'own', done: false }, say('one '), stop);
    await settle();
    expect(last(stage.resumed).requestId).toBe('own');
    last(stage.resumed).feed.push(say('one '), say('two'), stop);
    await settle();
    expect(stage.resumed).toHaveLength(2);
    expect(last(shown(store, id))).toMatchObject({ content: 'one two', state: 'streaming' });
    stage.refuse = new ApiError('No request has this id.', 404, 'not_found');
    last(stage.resumed).feed.fail(LOST);
    await settle();
    await settle();
    expect(last(shown(store, id))).toMatchObject({
      content: 'one two',
      state: 'failed',
      failure: { message: 'The server is stopping.', code: 'shutting_down' },
    });
  });

  it('resumes after a broken connection without lost or repeated text', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('one '), say('two '));
    await settle();
    last(stage.asked).feed.fail(LOST);
    await settle();
    expect(last(stage.resumed).requestId).toBe(last(stage.asked).asking.requestId);
    expect(last(shown(store, id)).content).toBe('one two ');
    last(stage.resumed).feed.push(say('one '), say('two '), say('three'), DONE);
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'one two three', state: 'done' });
  });

  it('resumes after a reload of the page', async () => {
    const { store: after, id } = await reloadDuringResponse();
    expect(last(shown(after, id))).toMatchObject({ content: 'ha' });
    last(stage.resumed).feed.push(say('ha'), say('lf'), DONE);
    await settle();
    expect(last(shown(after, id))).toMatchObject({ content: 'half', state: 'done' });
  });

  it('keeps its text and shows an error if the server no longer knows it', async () => {
    const { store: after, id } = await reloadDuringResponse(() => {
      stage.refuse = new ApiError('There is no request with this id.', 404, 'not_found');
    });
    expect(last(shown(after, id))).toMatchObject({ content: 'ha', state: 'failed' });
  });

  it('ends as stopped if another tab cancelled it', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('ha'), { done: true, error: 'The request was cancelled.', code: 'cancelled' });
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'ha', state: 'stopped' });
  });
});

it('works without a history if the browser has none', async () => {
  stage.history.conversations = () => Promise.reject(new Error('forbidden'));
  stage.history.save = () => Promise.reject(new Error('forbidden'));
  const store = stage.newStore();
  await store.load();
  const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
  await settle();
  last(stage.asked).feed.push(say('1'), DONE);
  await settle();
  expect(store.state()).toMatchObject({ ready: true, unsaved: true });
  expect(last(shown(store, id)).content).toBe('1');
});

describe('a full disk', () => {
  it('writes what it could not write with the next message', async () => {
    const save = stage.history.save.bind(stage.history);
    stage.history.save = () => Promise.reject(new Error('QuotaExceededError'));
    const store = stage.newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'first', model: null, capabilities: SEES });
    await settle();
    expect(store.state().unsaved).toBe(true);
    stage.history.save = save;
    store.rename(id, 'Space again');
    await settle();
    expect((await stage.history.messages(id)).map(({ content }) => content)).toEqual(['first', '']);
    expect(store.state().unsaved).toBe(false);
  });

  it('keeps what is not written when another tab changes the chat', async () => {
    const save = stage.history.save.bind(stage.history);
    const store = stage.newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'first', model: null, capabilities: SEES });
    await settle();
    stage.history.save = () => Promise.reject(new Error('QuotaExceededError'));
    store.send({ conversationId: id, text: 'second', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(DONE);
    last(stage.asked.slice(0, -1)).feed.push(DONE);
    await settle();
    await store.refresh(id);
    expect([...(store.state().threads.get(id)?.values() ?? [])].map(({ content }) => content)).toContain('second');
    stage.history.save = save;
    store.flush();
    await settle();
    expect((await stage.history.messages(id)).map(({ content }) => content)).toContain('second');
  });
});

describe('a slow history', () => {
  it('keeps questions that were sent before it was read', async () => {
    const earlier = stage.newStore();
    await earlier.load();
    const old = earlier.send({ conversationId: null, text: 'earlier', model: null, capabilities: SEES });
    last(stage.asked).feed.push(say('yes'), DONE);
    await settle();

    const read = Promise.withResolvers<Conversation[]>();
    const before = await stage.history.conversations();
    stage.history.conversations = () => read.promise;
    const store = stage.newStore();
    const loading = store.load();
    const id = store.send({ conversationId: null, text: 'quick', model: null, capabilities: SEES });
    read.resolve(before);
    await loading;
    expect(store.state().conversations.map((conversation) => conversation.id)).toEqual([id, old]);
    expect(store.state().threads.get(id)?.size).toBe(2);
  });

  it('keeps pending writes when another tab announces a change', async () => {
    const store = stage.newStore();
    await store.load();
    const save = stage.history.save.bind(stage.history);
    const written = Promise.withResolvers<void>();
    stage.history.save = async (...entry) => {
      await written.promise;
      await save(...entry);
    };
    const id = store.send({ conversationId: null, text: 'slow to write', model: null, capabilities: SEES });
    await store.refresh('of another tab');
    expect(store.state().conversations.map((conversation) => conversation.id)).toEqual([id]);
    written.resolve();
    await settle();
    await store.refresh('of another tab');
    expect(store.state().conversations.map((conversation) => conversation.id)).toEqual([id]);
  });
});
