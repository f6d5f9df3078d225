import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '#lib/browser/api-client';
import type { CacheHeader, ChatEvent } from '#lib/wire/chat';
import type { ResponseStream, StreamedEvent, StreamRequest } from './chat-api.ts';
import { ChatStore } from './chat-store.ts';
import {
  type ChatImage,
  type ChatMessage,
  type Conversation,
  NO_SETTINGS,
  newestLeafBelow,
  pathTo,
} from './conversation.ts';
import { deleteMessages } from './delete-messages.ts';
import { followResponse } from './follow-response.ts';
import type { ChatHistory } from './history-db.ts';
import { CONNECTION_LOST } from './reconnect.ts';
import { newResponse } from './response-states.ts';

/** A stream whose events the test sends one by one. */
class Feed {
  readonly #queue: (StreamedEvent | Error | 'end')[] = [];
  #wake: () => void = () => undefined;

  push(...events: ChatEvent[]): void {
    this.#put(...events.map((event) => ({ event, id: undefined })));
  }

  fail(error: Error): void {
    this.#put(error);
  }

  stream(cache: CacheHeader | null = null): ResponseStream {
    return { cache, events: this.#events() };
  }

  #put(...items: (StreamedEvent | Error | 'end')[]): void {
    this.#queue.push(...items);
    this.#wake();
  }

  async *#events(): ResponseStream['events'] {
    for (;;) {
      const item = this.#queue.shift();
      if (item === undefined)
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      else if (item === 'end') return;
      else if (item instanceof Error) throw item;
      else {
        yield item;
        if (item.event.done) return;
      }
    }
  }
}

/** An in-memory history that stores copies, as a database does. */
class MemoryHistory implements ChatHistory {
  readonly kept = new Map<string, Conversation>();
  readonly texts = new Map<string, ChatMessage>();

  async conversations() {
    return [...this.kept.values()].sort((a, b) => b.updatedAt - a.updatedAt);
  }
  async messages(id: string) {
    return [...this.texts.values()].filter((message) => message.conversationId === id);
  }
  async save(conversation: Conversation, messages: readonly ChatMessage[], removedIds: readonly string[] = []) {
    this.kept.set(conversation.id, structuredClone(conversation));
    for (const id of removedIds) this.texts.delete(id);
    for (const message of messages) this.texts.set(message.id, structuredClone(message));
  }
  async remove(id: string) {
    this.kept.delete(id);
    for (const message of await this.messages(id)) this.texts.delete(message.id);
  }
  async removeAll() {
    this.kept.clear();
    this.texts.clear();
  }
  async search() {
    return new Set<string>();
  }
}

const LOST = new ApiError('The connection broke off.', 0, CONNECTION_LOST);
const DONE: ChatEvent = { done: true, cached: false, model: 'm', done_reason: 'stop' };
const SEES = { vision: true, thinking: true };
const BLIND = { vision: false, thinking: false };
const say = (content: string): ChatEvent => ({ content, done: false });

let history: MemoryHistory;
let asked: { asking: StreamRequest; feed: Feed; signal: AbortSignal }[];
let resumed: { requestId: string; feed: Feed }[];
let cancelled: string[];
let cancelFails: ApiError | undefined;
let clock: number;
let refuse: ApiError | undefined;
let pause: (ms: number, signal: AbortSignal) => Promise<void>;

function newStore(): ChatStore {
  return new ChatStore({
    history,
    ask: async (asking, signal) => {
      if (refuse !== undefined) throw refuse;
      const feed = new Feed();
      asked.push({ asking, feed, signal });
      return feed.stream();
    },
    resume: async (requestId) => {
      if (refuse !== undefined) throw refuse;
      const feed = new Feed();
      resumed.push({ requestId, feed });
      return feed.stream();
    },
    cancel: async (requestId) => {
      if (cancelFails !== undefined) throw cancelFails;
      cancelled.push(requestId);
    },
    follow: followResponse,
    now: () => {
      clock += 10;
      return clock;
    },
    newId: () => `id-${++clock}`,
    nextFrame: queueMicrotask,
    pause: (ms, signal) => pause(ms, signal),
    online: async () => true,
    announce: () => undefined,
  });
}

/** Waits until all pending promise callbacks have run. */
const settle = () => new Promise((resolve) => setTimeout(resolve));

function last<T>(list: readonly T[]): T {
  const item = list.at(-1);
  if (item === undefined) throw new Error('nothing there');
  return item;
}

function shown(store: ChatStore, id: string): ChatMessage[] {
  const conversation = store.state().conversations.find((one) => one.id === id);
  return pathTo(store.state().threads.get(id) ?? new Map(), conversation?.leafId ?? null);
}

beforeEach(() => {
  history = new MemoryHistory();
  asked = [];
  resumed = [];
  cancelled = [];
  cancelFails = undefined;
  clock = 0;
  refuse = undefined;
  pause = async () => undefined;
});

describe('ChatStore', () => {
  it('shows the question at once, streams the response, and saves both', async () => {
    const store = newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'What is Rust?', model: 'm', capabilities: SEES });
    expect(shown(store, id).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'What is Rust?'],
      ['assistant', ''],
    ]);
    await settle();
    last(asked).feed.push(say('A '), say('language'));
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'A language', state: 'streaming' });
    last(asked).feed.push(DONE);
    await settle();
    expect(last(shown(store, id))).toMatchObject({ state: 'done' });
    expect(last(await history.messages(id))).toMatchObject({ content: 'A language', state: 'done' });
    expect(store.state().conversations[0]).toMatchObject({ title: 'What is Rust?' });
  });

  it('sends no question a second time', async () => {
    const store = newStore();
    const question = { id: 'q', text: 'Hi', model: 'm', capabilities: SEES };
    const id = store.send({ ...question, conversationId: null });
    await settle();
    last(asked).feed.push(say('Hello'), DONE);
    await settle();
    const before = structuredClone([...history.texts.values()]);
    expect(store.send({ ...question, conversationId: id })).toBe(id);
    expect(store.send({ ...question, conversationId: null })).toBe(id);
    await settle();
    expect([asked.length, [...history.texts.values()]]).toEqual([1, before]);
  });

  it('sends the whole path with the next question, without other branches', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('1'), DONE);
    await settle();
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.body.messages).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'two' },
    ]);
    expect(last(asked).asking.body.model).toBeUndefined();
  });

  it('sends and shows the whole path even if the question precedes the history', async () => {
    const before = newStore();
    const id = before.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('1'), DONE);
    await settle();
    const store = newStore();
    await store.load();
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await store.open(id);
    await settle();
    const said = ['one', '1', 'two'];
    expect(last(asked).asking.body.messages.map(({ content }) => content)).toEqual(said);
    expect(shown(store, id).map(({ content }) => content)).toEqual([...said, '']);
  });

  it('shows an imported conversation in place of the open one', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('1'), DONE);
    await settle();
    const [conversation] = store.state().conversations;
    if (conversation === undefined) throw new Error('nothing was kept');
    const messages = (await history.messages(id)).map((message) => ({ ...message, content: `${message.content}!` }));
    await store.add([{ conversation, messages }]);
    expect(shown(store, id).map(({ content }) => content)).toEqual(['one!', '1!']);
  });

  it('replaces a response without text instead of keeping it as a version', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push({ done: true, error: 'Broken.', code: 'upstream_failed' });
    await settle();
    const failed = last(shown(store, id));
    store.regenerate(id, failed.id, { model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.requestId).not.toBe(asked[0]?.asking.requestId);
    last(asked).feed.push(say('here'), DONE);
    await settle();
    expect(await history.messages(id)).toHaveLength(2);
    expect(last(shown(store, id))).toMatchObject({ id: failed.id, content: 'here', state: 'done' });
  });

  it('repeats a refused request once by itself, unless that is cancelled', async () => {
    const store = newStore();
    refuse = new ApiError('Too many.', 429, 'rate_limited', 2);
    const waits: (() => void)[] = [];
    pause = () => new Promise((resolve) => waits.push(resolve));
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    const { id: responseId } = last(shown(store, id));
    expect(store.state().activity.get(responseId)).toBe('retrying');
    last(waits)();
    await settle();
    // The second refusal waits for the reader.
    expect(last(shown(store, id))).toMatchObject({ id: responseId, state: 'failed' });
    expect(store.state().activity.size).toBe(0);
    store.regenerate(id, responseId, { model: null, capabilities: SEES });
    await settle();
    expect(store.state().activity.size).toBe(1);
    refuse = undefined;
    store.cancelRetry(responseId);
    last(waits)();
    await settle();
    expect(asked).toHaveLength(0);
    expect(store.state().activity.size).toBe(0);
  });

  it('leaves a response alone that another tab requested again or deleted during the pause', async () => {
    const waits: (() => void)[] = [];
    pause = () => new Promise((resolve) => waits.push(resolve));
    for (const isDeleted of [false, true]) {
      refuse = new ApiError('Full.', 503, 'queue_full', 2);
      const first = newStore();
      const id = first.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
      await settle();
      const { id: responseId } = last(shown(first, id));
      const endPause = last(waits);
      refuse = undefined;
      const second = newStore();
      await second.load();
      await second.open(id);
      if (isDeleted) deleteMessages(second, id, responseId, 'below');
      else {
        second.regenerate(id, responseId, { model: null, capabilities: SEES });
        await settle();
        last(asked).feed.push(say('a long text'), DONE);
      }
      await settle();
      await first.refresh(id);
      expect(first.state().activity.size).toBe(0);
      endPause();
      await settle();
      expect(asked).toHaveLength(1);
      expect((await history.messages(id)).map(({ content }) => content)).toEqual(
        isDeleted ? ['one'] : ['one', 'a long text'],
      );
    }
  });

  it('continues a response with its text as the last message, under another request id', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'count', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('1, 2, '), { ...DONE, done_reason: 'length' });
    await settle();
    store.continueResponse(id, last(shown(store, id)).id, { model: 'm', capabilities: SEES });
    await settle();
    expect(last(asked).asking.body.messages.at(-1)).toEqual({ role: 'assistant', content: '1, 2, ' });
    last(asked).feed.push(say('3'), DONE);
    await settle();
    expect(shown(store, id).map(({ content }) => content)).toEqual(['count', '1, 2, 3']);
    expect(store.state().conversations[0]?.model).toBeNull();
    expect(new Set(asked.map(({ asking }) => asking.requestId)).size).toBe(2);
  });

  it('deletes a pair or what is below, in the history too, and brings it back', async () => {
    const store = newStore();
    let id: string | null = null;
    for (const text of ['one', 'two', 'three']) {
      id = store.send({ conversationId: id, text, model: null, capabilities: SEES });
      await settle();
      last(asked).feed.push(say(`re ${text}`), DONE);
      await settle();
    }
    if (id === null) throw new Error('nothing was sent');
    const chat = id;
    const texts = () => shown(store, chat).map(({ content }) => content);
    const all = texts();
    const two = shown(store, chat).find(({ content }) => content === 'two');
    const undoPair = deleteMessages(store, chat, two?.id ?? '', 'pair');
    expect(texts()).toEqual(['one', 're one', 'three', 're three']);
    await settle();
    expect(await history.messages(chat)).toHaveLength(4);
    undoPair();
    expect(texts()).toEqual(all);
    const undoRest = deleteMessages(store, chat, two?.id ?? '', 'below');
    expect(texts()).toEqual(['one', 're one']);
    undoRest();
    await settle();
    expect(texts()).toEqual(all);
    expect(await history.messages(chat)).toHaveLength(6);
  });

  it('keeps a whole tree whatever is deleted, and brings all back in any order', async () => {
    const step = fc.record({ at: fc.nat(), isPair: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(), { minLength: 1, maxLength: 7 }),
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { minLength: 4, maxLength: 4 }),
        fc.boolean(),
        async (parents, steps, order, asks) => {
          history = new MemoryHistory();
          const messages: ChatMessage[] = [];
          for (const [index, parent] of parents.entries()) {
            const above = messages.filter(({ role }) => role === 'assistant')[parent % (index + 1)];
            const base = { conversationId: 'c', content: `${index}`, createdAt: index };
            const question = { ...base, id: `q${index}`, parentId: above?.id ?? null, role: 'user' as const };
            const fresh = newResponse(`r${index}`, 'c', question.id, index, undefined);
            messages.push(question, { ...fresh, content: `re ${index}`, state: 'done' });
          }
          const leafId = newestLeafBelow(new Map(messages.map((one) => [one.id, one])), 'q0');
          const chat = { id: 'c', title: '', createdAt: 0, updatedAt: 0, leafId, model: null, systemPrompt: '' };
          await history.save(chat, messages);
          const store = newStore();
          await store.load();
          await store.open('c');
          const thread = () => store.state().threads.get('c') ?? new Map<string, ChatMessage>();
          const check = () => {
            for (const { parentId } of thread().values())
              if (parentId !== null) expect(thread().has(parentId)).toBe(true);
            const leaf = store.state().conversations[0]?.leafId ?? null;
            if (thread().size === 0) expect(leaf).toBeNull();
            else expect(newestLeafBelow(thread(), leaf ?? '')).toBe(last(shown(store, 'c')).id);
            expect(new Map(history.texts)).toEqual(new Map(thread()));
          };
          const undos: (() => void)[] = [];
          for (const { at, isPair } of steps) {
            const ids = [...thread().keys()];
            const id = ids[at % Math.max(1, ids.length)];
            if (id !== undefined) undos.push(deleteMessages(store, 'c', id, isPair ? 'pair' : 'below'));
            check();
          }
          if (asks) store.send({ conversationId: 'c', text: 'new', model: null, capabilities: SEES });
          for (const pick of order) {
            undos.splice(pick % Math.max(1, undos.length), 1)[0]?.();
            check();
          }
          for (const message of messages) expect(thread().get(message.id)).toEqual(message);
        },
      ),
    );
  });

  it('shows another version after one was deleted', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('first'), DONE);
    await settle();
    store.regenerate(id, last(shown(store, id)).id, { model: 'other', capabilities: SEES, isOnce: true });
    await settle();
    expect(last(asked).asking.body.model).toBe('other');
    last(asked).feed.push(say('second'), DONE);
    await settle();
    expect(store.state().conversations[0]?.model).toBeNull();
    deleteMessages(store, id, last(shown(store, id)).id, 'below');
    expect(last(shown(store, id)).content).toBe('first');
  });

  it('bypasses the cache on regenerate and keeps both responses', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('first'), DONE);
    await settle();
    const first = last(shown(store, id));
    expect(last(asked).asking.bypassCache).toBe(false);
    store.regenerate(id, first.id, { model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.bypassCache).toBe(true);
    expect(last(asked).asking.body.messages).toEqual([{ role: 'user', content: 'one' }]);
    last(asked).feed.push(say('second'), DONE);
    await settle();
    expect(last(shown(store, id)).content).toBe('second');
    store.showVersion(id, first.id);
    expect(last(shown(store, id)).content).toBe('first');
  });

  it('adds an edited question as a sibling of the old one', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('1'), DONE);
    await settle();
    const [question] = shown(store, id);
    store.edit(id, question?.id ?? '', 'uno', { model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.body.messages).toEqual([{ role: 'user', content: 'uno' }]);
    expect(store.state().threads.get(id)?.size).toBe(4);
  });

  it('sends the current system prompt and parameters with every question', async () => {
    const store = newStore();
    const settings = { systemPrompt: 'Be brief.', sampling: { temperature: 0 } };
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES, settings });
    await settle();
    expect(last(asked).asking.body).toMatchObject({ system_prompt: 'Be brief.', options: { temperature: 0 } });
    last(asked).feed.push(say('1'), DONE);
    await settle();
    store.configure(id, { systemPrompt: '', sampling: { num_predict: 64 } });
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.body.options).toEqual({ num_predict: 64 });
    expect(last(asked).asking.body.system_prompt).toBeUndefined();
  });

  it('keeps the text files of a question that is edited, and the id that it came with', async () => {
    const files = [{ name: 'a.log', text: 'one' }];
    const store = newStore();
    const id = store.send({ conversationId: null, id: 'q', text: '', files, model: null, capabilities: BLIND });
    await settle();
    expect(store.state().conversations[0]?.title).toBe('a.log');
    expect(last(asked).asking.body.messages).toEqual([{ role: 'user', content: 'a.log:\n```log\none\n```' }]);
    store.edit(id, 'q', 'Why?', { model: null, capabilities: BLIND });
    await settle();
    expect(last(asked).asking.body.messages[0]?.content).toBe('a.log:\n```log\none\n```\n\nWhy?');
  });

  it('sends images and reasoning settings only to a model with those capabilities', async () => {
    const store = newStore();
    const images: ChatImage[] = [{ id: 'p', name: 'cat.png', type: 'image/png', data: 'aGk=', width: 1, height: 1 }];
    const settings = { ...NO_SETTINGS, think: 'low' as const };
    const id = store.send({ conversationId: null, text: '', images, settings, model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.body).toMatchObject({ messages: [{ role: 'user', images: ['aGk='] }], think: 'low' });
    expect(store.state().conversations[0]).toMatchObject({ title: 'cat.png', think: 'low' });
    last(asked).feed.push(say('A cat.'), DONE);
    await settle();
    store.send({ conversationId: id, text: 'sure?', model: null, capabilities: BLIND });
    await settle();
    expect(last(asked).asking.body.messages).toEqual([
      { role: 'assistant', content: 'A cat.' },
      { role: 'user', content: 'sure?' },
    ]);
    expect(last(asked).asking.body.think).toBeUndefined();
    const question = shown(store, id)[0];
    store.edit(id, question?.id ?? '', 'What is it?', { model: null, capabilities: SEES });
    await settle();
    expect(last(asked).asking.body.messages).toEqual([{ role: 'user', content: 'What is it?', images: ['aGk='] }]);
    store.configure(id, NO_SETTINGS);
    expect(store.state().conversations[0]).not.toHaveProperty('think');
  });

  it('removes a conversation and cancels its running response', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    await store.remove(id);
    expect(store.state().conversations).toEqual([]);
    expect(history.kept.size).toBe(0);
    expect(cancelled).toEqual([last(asked).asking.requestId]);
  });
});

describe('a response that does not complete', () => {
  it('stops here and on the server, and keeps the received text', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('half'));
    await settle();
    store.stop(id, last(shown(store, id)).id);
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(asked).signal.aborted).toBe(true);
    expect(cancelled).toEqual([last(asked).asking.requestId]);
    last(asked).feed.push(say(' more'));
    await settle();
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(await history.messages(id))).toMatchObject({ state: 'stopped', content: 'half' });
  });

  it('shows a failed cancellation and retries it on the next stop', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('half'));
    await settle();
    cancelFails = new ApiError('The server cannot be reached.', 0, 'unreachable');
    const response = last(shown(store, id));
    store.stop(id, response.id);
    await settle();
    const told = { state: 'stopped', content: 'half', stopFailure: 'The server cannot be reached.' };
    expect(last(shown(store, id))).toMatchObject(told);
    expect(last(await history.messages(id))).toMatchObject(told);
    cancelFails = undefined;
    store.stop(id, response.id);
    await settle();
    expect(cancelled).toEqual([last(asked).asking.requestId]);
    expect(last(shown(store, id))).toMatchObject({ state: 'stopped', content: 'half' });
    expect(last(shown(store, id))).not.toHaveProperty('stopFailure');
  });

  it('shows the message of a refusal', async () => {
    refuse = new ApiError('The queue is full.', 503, 'queue_full', 30);
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    expect(last(shown(store, id))).toMatchObject({
      state: 'failed',
      failure: { message: 'The queue is full.', code: 'queue_full' },
    });
    expect(resumed).toEqual([]);
  });

  it('resumes after a broken connection without lost or repeated text', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('one '), say('two '));
    await settle();
    last(asked).feed.fail(LOST);
    await settle();
    expect(last(resumed).requestId).toBe(last(asked).asking.requestId);
    expect(last(shown(store, id)).content).toBe('one two ');
    last(resumed).feed.push(say('one '), say('two '), say('three'), DONE);
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'one two three', state: 'done' });
  });

  it('resumes after a reload of the page', async () => {
    const before = newStore();
    const id = before.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('ha'));
    await settle();
    before.flush();
    await settle();
    const after = newStore();
    await after.load();
    await after.open(id);
    await settle();
    expect(last(shown(after, id))).toMatchObject({ content: 'ha' });
    last(resumed).feed.push(say('ha'), say('lf'), DONE);
    await settle();
    expect(last(shown(after, id))).toMatchObject({ content: 'half', state: 'done' });
  });

  it('keeps its text and shows an error if the server no longer knows it', async () => {
    const before = newStore();
    const id = before.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('ha'));
    await settle();
    before.flush();
    await settle();
    refuse = new ApiError('There is no request with this id.', 404, 'not_found');
    const after = newStore();
    await after.load();
    await after.open(id);
    await settle();
    expect(last(shown(after, id))).toMatchObject({ content: 'ha', state: 'failed' });
  });

  it('ends as stopped if another tab cancelled it', async () => {
    const store = newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(say('ha'), { done: true, error: 'The request was cancelled.', code: 'cancelled' });
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'ha', state: 'stopped' });
  });
});

it('works without a history if the browser has none', async () => {
  history.conversations = () => Promise.reject(new Error('forbidden'));
  history.save = () => Promise.reject(new Error('forbidden'));
  const store = newStore();
  await store.load();
  const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
  await settle();
  last(asked).feed.push(say('1'), DONE);
  await settle();
  expect(store.state()).toMatchObject({ ready: true, unsaved: true });
  expect(last(shown(store, id)).content).toBe('1');
});

describe('a full disk', () => {
  it('writes what it could not write with the next message', async () => {
    const save = history.save.bind(history);
    history.save = () => Promise.reject(new Error('QuotaExceededError'));
    const store = newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'first', model: null, capabilities: SEES });
    await settle();
    expect(store.state().unsaved).toBe(true);
    history.save = save;
    store.rename(id, 'Space again');
    await settle();
    expect((await history.messages(id)).map(({ content }) => content)).toEqual(['first', '']);
    expect(store.state().unsaved).toBe(false);
  });

  it('keeps what is not written when another tab changes the chat', async () => {
    const save = history.save.bind(history);
    const store = newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'first', model: null, capabilities: SEES });
    await settle();
    history.save = () => Promise.reject(new Error('QuotaExceededError'));
    store.send({ conversationId: id, text: 'second', model: null, capabilities: SEES });
    await settle();
    last(asked).feed.push(DONE);
    last(asked.slice(0, -1)).feed.push(DONE);
    await settle();
    await store.refresh(id);
    expect([...(store.state().threads.get(id)?.values() ?? [])].map(({ content }) => content)).toContain('second');
    history.save = save;
    store.flush();
    await settle();
    expect((await history.messages(id)).map(({ content }) => content)).toContain('second');
  });
});

describe('a slow history', () => {
  it('keeps questions that were sent before it was read', async () => {
    const earlier = newStore();
    await earlier.load();
    const old = earlier.send({ conversationId: null, text: 'earlier', model: null, capabilities: SEES });
    last(asked).feed.push(say('yes'), DONE);
    await settle();

    const read = Promise.withResolvers<Conversation[]>();
    const before = await history.conversations();
    history.conversations = () => read.promise;
    const store = newStore();
    const loading = store.load();
    const id = store.send({ conversationId: null, text: 'quick', model: null, capabilities: SEES });
    read.resolve(before);
    await loading;
    expect(store.state().conversations.map((conversation) => conversation.id)).toEqual([id, old]);
    expect(store.state().threads.get(id)?.size).toBe(2);
  });

  it('keeps pending writes when another tab announces a change', async () => {
    const store = newStore();
    await store.load();
    const save = history.save.bind(history);
    const written = Promise.withResolvers<void>();
    history.save = async (...entry) => {
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
