import { beforeEach, describe, expect, it } from 'vitest';
import { type ChatState, INITIAL_STATE, type NewQuestion } from './chat-state.ts';
import { type AssistantMessage, type Conversation, NO_SETTINGS, type Thread } from './conversation.ts';
import { NEW_CHAT } from './history-db.ts';
import { OutboxStore } from './outbox-store.ts';
import type { QueuedMessage } from './queued-message.ts';
import { newResponse } from './response-states.ts';

const ABLE = { vision: true, thinking: true };
/** A chat in which one response runs, and a new one whose id is `started`. */
let state: ChatState;
let sent: NewQuestion[];
let stored: Map<string, QueuedMessage>;
let listeners: Set<() => void>;
let offline: boolean;
let closed: string[];
let refusal: string | undefined;

const conversation = (id: string): Conversation => ({
  ...{ id, title: id, createdAt: 1, updatedAt: 1, leafId: `leaf-${id}`, model: 'm', systemPrompt: '' },
});
const thread = (id: string, leaf: AssistantMessage['state']): Thread =>
  new Map([[`leaf-${id}`, { ...newResponse(`leaf-${id}`, id, 'q', 1), state: leaf }]]);

function change(chat: string, leaf: AssistantMessage['state']): void {
  const others = state.conversations.filter(({ id }) => id !== chat);
  state = {
    ...state,
    ready: true,
    conversations: [...others, conversation(chat)],
    threads: new Map(state.threads).set(chat, thread(chat, leaf)),
  };
  for (const listener of listeners) listener();
}

const message = (id: string, chat: string) => ({
  ...{ id, chat, createdAt: 1, text: id, images: [], files: [], settings: NO_SETTINGS, model: null },
  capabilities: ABLE,
});

function open(page = 'here', previousPage: string | null = null): OutboxStore {
  return new OutboxStore({
    storage: {
      all: async () => [...stored.values()],
      put: async (one) => void stored.set(one.id, one),
      update: async (one) => void (stored.get(one.id)?.page === one.page && stored.set(one.id, one)),
      reassign: async (from, to, held) => {
        const left = [...stored.values()].filter((one) => one.page === from);
        const taken = left.map((one) => ({ ...one, page: to, held: held ?? one.held }));
        for (const one of taken) stored.set(one.id, one);
        return taken;
      },
      owner: async (id) => stored.get(id)?.page,
      remove: async (id) => void stored.delete(id),
    },
    page,
    previousPage,
    closedPages: async (pages) => pages.filter((one) => closed.includes(one)),
    afterPreviousPage: async (take) => (closed.includes(previousPage ?? '') ? take() : []),
    ifClosed: async (one, take) => (closed.includes(one) ? take() : []),
    holdPage: async () => undefined,
    chat: {
      state: () => state,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      load: async () => undefined,
      open: async () => undefined,
      send: (question) => {
        sent.push(question);
        const chat = question.conversationId ?? 'started';
        // The messages come before the conversation, as in the chat's store.
        for (const listener of listeners) listener();
        change(chat, 'waiting');
        return chat;
      },
    },
    isOffline: () => offline,
    onConnection: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    capabilities: () => undefined,
    refusal: () => refusal,
  });
}

const settled = () => new Promise((resolve) => setTimeout(resolve));
const texts = (store: OutboxStore, chat: string) => store.messages(chat).map(({ text }) => text);
const sentTexts = () => sent.map(({ text }) => text);

beforeEach(() => {
  state = INITIAL_STATE;
  sent = [];
  stored = new Map();
  listeners = new Set();
  offline = false;
  closed = [];
  refusal = undefined;
  change('a', 'streaming');
});

describe('OutboxStore', () => {
  it('sends in order, one after each response', async () => {
    const store = open();
    store.add(message('1', 'a'));
    store.add(message('2', 'a'));
    await settled();
    expect([store.waitOf('a'), sentTexts(), stored.size]).toEqual(['answer', [], 2]);
    change('a', 'done');
    await settled();
    expect(sentTexts()).toEqual(['1']);
    expect(sent[0]).toMatchObject({ id: '1', conversationId: 'a', model: 'm' });
    change('a', 'done');
    await settled();
    expect([sentTexts(), texts(store, 'a'), stored.size]).toEqual([['1', '2'], [], 0]);
    expect(store.waitOf('a')).toBeUndefined();
  });

  it.each(['stopped', 'failed'] as const)(
    'holds messages back after a %s response until they are released',
    async (end) => {
      const store = open();
      store.add(message('1', 'a'));
      store.add(message('2', 'a'));
      change('a', end);
      await settled();
      expect([store.waitOf('a'), sentTexts()]).toEqual(['reader', []]);
      // A response to another question does not release them, and what comes now goes first.
      change('a', 'streaming');
      store.add(message('3', 'a'));
      expect(texts(store, 'a')).toEqual(['3', '1', '2']);
      change('a', 'done');
      await settled();
      change('a', 'done');
      await settled();
      expect([sentTexts(), store.waitOf('a')]).toEqual([['3'], 'reader']);
      store.sendNow('a');
      await settled();
      change('a', 'done');
      await settled();
      expect(sentTexts()).toEqual(['3', '1', '2']);
    },
  );

  it('sends what waited for the network, and moves what follows to the new conversation', async () => {
    offline = true;
    const store = open();
    const started: string[] = [];
    store.onStarted((id) => void started.push(id));
    store.add(message('1', NEW_CHAT));
    store.add(message('2', NEW_CHAT));
    await settled();
    expect([store.waitOf(NEW_CHAT), sentTexts()]).toEqual(['network', []]);
    offline = false;
    for (const listener of listeners) listener();
    await settled();
    expect([sentTexts(), started, texts(store, NEW_CHAT)]).toEqual([['1'], ['started'], []]);
    expect([texts(store, 'started'), stored.get('2')?.chat]).toEqual([['2'], 'started']);
  });

  it('waits while the first message is edited, and sends the changed text', async () => {
    const store = open();
    store.add(message('1', 'a'));
    store.edit('a', '1');
    change('a', 'done');
    await settled();
    expect([store.waitOf('a'), sentTexts()]).toEqual(['editing', []]);
    store.endEdit('a', '1', 'changed');
    await settled();
    expect(sentTexts()).toEqual(['changed']);
  });

  it('removes a message, and puts it back in its place', async () => {
    const store = open();
    for (const id of ['1', '2', '3']) store.add(message(id, 'a'));
    const restore = store.remove('a', '2');
    await settled();
    expect([texts(store, 'a'), [...stored.keys()]]).toEqual([
      ['1', '3'],
      ['1', '3'],
    ]);
    restore();
    await settled();
    expect([texts(store, 'a'), stored.size]).toEqual([['1', '2', '3'], 3]);
    store.forget('a');
    await settled();
    expect(stored.size).toBe(0);
  });

  it('keeps a message that is too large, with the sentence why', async () => {
    refusal = 'Too long.';
    const store = open();
    store.add(message('1', 'a'));
    change('a', 'done');
    await settled();
    expect([store.waitOf('a'), store.refusalOf('1'), sentTexts()]).toEqual(['refused', 'Too long.', []]);
    refusal = undefined;
    store.endEdit('a', '1', 'short');
    await settled();
    expect(sentTexts()).toEqual(['short']);
  });

  it('continues after a reload, and holds back what a closed tab left', async () => {
    for (const [id, page] of [
      ['1', 'before'],
      ['2', 'closed'],
      ['3', 'alive'],
    ] as const)
      stored.set(id, { ...message(id, 'a'), page, held: false });
    stored.set('4', { ...message('4', 'deleted'), page: 'before', held: false });
    closed = ['closed', 'before'];
    change('a', 'done');
    const store = open('here', 'before');
    await store.load();
    await settled();
    expect(sentTexts()).toEqual(['1']);
    change('a', 'done');
    await settled();
    expect([texts(store, 'a'), store.waitOf('a'), [...stored.keys()].sort()]).toEqual([['2'], 'reader', ['2', '3']]);
    expect(stored.get('2')).toMatchObject({ page: 'here', held: true });
  });

  it('sends no message twice if the page ended while it was sent', async () => {
    closed = ['before'];
    stored.set('leaf-a', { ...message('leaf-a', 'a'), page: 'before', held: false });
    change('a', 'done');
    const store = open('here', 'before');
    await store.load();
    await settled();
    expect([sentTexts(), stored.size]).toEqual([[], 0]);
  });

  it('leaves the messages of a tab that was duplicated to that tab', async () => {
    stored.set('1', { ...message('1', 'a'), page: 'original', held: false });
    change('a', 'done');
    const store = open('here', 'original');
    await store.load();
    await settled();
    expect([sentTexts(), texts(store, 'a'), stored.get('1')?.page]).toEqual([[], [], 'original']);
  });

  it('sends no message that another page has taken', async () => {
    const store = open();
    store.add(message('1', 'a'));
    await settled();
    stored.set('1', { ...message('1', 'a'), page: 'copy', held: false });
    change('a', 'done');
    await settled();
    expect([sentTexts(), texts(store, 'a'), stored.get('1')?.page]).toEqual([[], [], 'copy']);
  });

  it('drops a message that another page has sent', async () => {
    const store = open();
    store.add(message('1', 'a'));
    await settled();
    const question = { ...newResponse('1', 'a', 'q', 1), state: 'done' as const };
    state = { ...state, threads: new Map(state.threads).set('a', new Map([...thread('a', 'done'), ['1', question]])) };
    for (const listener of listeners) listener();
    await settled();
    expect([sentTexts(), texts(store, 'a'), stored.size]).toEqual([[], [], 0]);
  });

  it('puts a removed message back into the conversation that the new chat became', async () => {
    offline = true;
    const store = open();
    store.add(message('1', NEW_CHAT));
    store.add(message('2', NEW_CHAT));
    const restore = store.remove(NEW_CHAT, '2');
    offline = false;
    for (const listener of listeners) listener();
    await settled();
    restore();
    await settled();
    expect([sentTexts(), texts(store, 'started'), texts(store, NEW_CHAT)]).toEqual([['1'], ['2'], []]);
    const again = store.remove('started', '2');
    state = { ...state, conversations: state.conversations.filter(({ id }) => id !== 'started') };
    again();
    await settled();
    expect([texts(store, 'started'), stored.size]).toEqual([[], 0]);
  });

  it('sends what is not held back first after a reload', async () => {
    closed = ['before'];
    stored.set('old', { ...message('old', 'a'), page: 'before', held: true });
    stored.set('new', { ...message('new', 'a'), createdAt: 2, page: 'before', held: false });
    change('a', 'done');
    const store = open('here', 'before');
    await store.load();
    await settled();
    expect([sentTexts(), texts(store, 'a')]).toEqual([['new'], ['old']]);
  });
});
