import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { ApiError } from '#lib/browser/api-client';
import {
  BLIND,
  ChatStoreStage,
  DONE,
  last,
  MemoryHistory,
  SEES,
  say,
  settle,
  shown,
} from '../../test/support/chat-store.ts';
import { type ChatImage, type ChatMessage, NO_SETTINGS, newestLeafBelow } from './conversation.ts';
import { deleteMessages } from './delete-messages.ts';
import { newResponse } from './response-states.ts';

let stage: ChatStoreStage;

beforeEach(() => {
  stage = new ChatStoreStage();
});

describe('ChatStore', () => {
  it('shows the question at once, streams the response, and saves both', async () => {
    const store = stage.newStore();
    await store.load();
    const id = store.send({ conversationId: null, text: 'What is Rust?', model: 'm', capabilities: SEES });
    expect(shown(store, id).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'What is Rust?'],
      ['assistant', ''],
    ]);
    await settle();
    last(stage.asked).feed.push(say('A '), say('language'));
    await settle();
    expect(last(shown(store, id))).toMatchObject({ content: 'A language', state: 'streaming' });
    last(stage.asked).feed.push(DONE);
    await settle();
    expect(last(shown(store, id))).toMatchObject({ state: 'done' });
    expect(last(await stage.history.messages(id))).toMatchObject({ content: 'A language', state: 'done' });
    expect(store.state().conversations[0]).toMatchObject({ title: 'What is Rust?' });
  });

  it('sends no question a second time', async () => {
    const store = stage.newStore();
    const question = { id: 'q', text: 'Hi', model: 'm', capabilities: SEES };
    const id = store.send({ ...question, conversationId: null });
    await settle();
    last(stage.asked).feed.push(say('Hello'), DONE);
    await settle();
    const before = structuredClone([...stage.history.texts.values()]);
    expect(store.send({ ...question, conversationId: id })).toBe(id);
    expect(store.send({ ...question, conversationId: null })).toBe(id);
    await settle();
    expect([stage.asked.length, [...stage.history.texts.values()]]).toEqual([1, before]);
  });

  it('sends the whole path with the next question, without other branches', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('1'), DONE);
    await settle();
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body.messages).toEqual([
      { role: 'user', content: 'one' },
      { role: 'assistant', content: '1' },
      { role: 'user', content: 'two' },
    ]);
    expect(last(stage.asked).asking.body.model).toBeUndefined();
  });

  it('sends and shows the whole path even if the question precedes the history', async () => {
    const before = stage.newStore();
    const id = before.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('1'), DONE);
    await settle();
    const store = stage.newStore();
    await store.load();
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await store.open(id);
    await settle();
    const said = ['one', '1', 'two'];
    expect(last(stage.asked).asking.body.messages.map(({ content }) => content)).toEqual(said);
    expect(shown(store, id).map(({ content }) => content)).toEqual([...said, '']);
  });

  it('shows an imported conversation in place of the open one', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('1'), DONE);
    await settle();
    const [conversation] = store.state().conversations;
    if (conversation === undefined) throw new Error('nothing was kept');
    const messages = (await stage.history.messages(id)).map((message) => ({
      ...message,
      content: `${message.content}!`,
    }));
    await store.add([{ conversation, messages }]);
    expect(shown(store, id).map(({ content }) => content)).toEqual(['one!', '1!']);
  });

  it('replaces a response without text instead of keeping it as a version', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push({ done: true, error: 'Broken.', code: 'upstream_failed' });
    await settle();
    const failed = last(shown(store, id));
    store.regenerate(id, failed.id, { model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.requestId).not.toBe(stage.asked[0]?.asking.requestId);
    last(stage.asked).feed.push(say('here'), DONE);
    await settle();
    expect(await stage.history.messages(id)).toHaveLength(2);
    expect(last(shown(store, id))).toMatchObject({ id: failed.id, content: 'here', state: 'done' });
  });

  it('repeats a refused request once by itself, unless that is cancelled', async () => {
    const store = stage.newStore();
    stage.refuse = new ApiError('Too many.', 429, 'rate_limited', 2);
    const waits: (() => void)[] = [];
    stage.pause = () => new Promise((resolve) => waits.push(resolve));
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
    stage.refuse = undefined;
    store.cancelRetry(responseId);
    last(waits)();
    await settle();
    expect(stage.asked).toHaveLength(0);
    expect(store.state().activity.size).toBe(0);
  });

  it('leaves a response alone that another tab requested again or deleted during the pause', async () => {
    const waits: (() => void)[] = [];
    stage.pause = () => new Promise((resolve) => waits.push(resolve));
    for (const isDeleted of [false, true]) {
      stage.refuse = new ApiError('Full.', 503, 'queue_full', 2);
      const first = stage.newStore();
      const id = first.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
      await settle();
      const { id: responseId } = last(shown(first, id));
      const endPause = last(waits);
      stage.refuse = undefined;
      const second = stage.newStore();
      await second.load();
      await second.open(id);
      if (isDeleted) deleteMessages(second, id, responseId, 'below');
      else {
        second.regenerate(id, responseId, { model: null, capabilities: SEES });
        await settle();
        last(stage.asked).feed.push(say('a long text'), DONE);
      }
      await settle();
      await first.refresh(id);
      expect(first.state().activity.size).toBe(0);
      endPause();
      await settle();
      expect(stage.asked).toHaveLength(1);
      expect((await stage.history.messages(id)).map(({ content }) => content)).toEqual(
        isDeleted ? ['one'] : ['one', 'a long text'],
      );
    }
  });

  it('continues a response with its text as the last message, under another request id', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'count', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('1, 2, '), { ...DONE, done_reason: 'length' });
    await settle();
    store.continueResponse(id, last(shown(store, id)).id, { model: 'm', capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body.messages.at(-1)).toEqual({ role: 'assistant', content: '1, 2, ' });
    last(stage.asked).feed.push(say('3'), DONE);
    await settle();
    expect(shown(store, id).map(({ content }) => content)).toEqual(['count', '1, 2, 3']);
    expect(store.state().conversations[0]?.model).toBeNull();
    expect(new Set(stage.asked.map(({ asking }) => asking.requestId)).size).toBe(2);
  });

  it('deletes a pair or what is below, in the history too, and brings it back', async () => {
    const store = stage.newStore();
    let id: string | null = null;
    for (const text of ['one', 'two', 'three']) {
      id = store.send({ conversationId: id, text, model: null, capabilities: SEES });
      await settle();
      last(stage.asked).feed.push(say(`re ${text}`), DONE);
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
    expect(await stage.history.messages(chat)).toHaveLength(4);
    undoPair();
    expect(texts()).toEqual(all);
    const undoRest = deleteMessages(store, chat, two?.id ?? '', 'below');
    expect(texts()).toEqual(['one', 're one']);
    undoRest();
    await settle();
    expect(texts()).toEqual(all);
    expect(await stage.history.messages(chat)).toHaveLength(6);
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
          stage.history = new MemoryHistory();
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
          await stage.history.save(chat, messages);
          const store = stage.newStore();
          await store.load();
          await store.open('c');
          const thread = () => store.state().threads.get('c') ?? new Map<string, ChatMessage>();
          const check = () => {
            for (const { parentId } of thread().values())
              if (parentId !== null) expect(thread().has(parentId)).toBe(true);
            const leaf = store.state().conversations[0]?.leafId ?? null;
            if (thread().size === 0) expect(leaf).toBeNull();
            else expect(newestLeafBelow(thread(), leaf ?? '')).toBe(last(shown(store, 'c')).id);
            expect(new Map(stage.history.texts)).toEqual(new Map(thread()));
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
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('first'), DONE);
    await settle();
    store.regenerate(id, last(shown(store, id)).id, { model: 'other', capabilities: SEES, isOnce: true });
    await settle();
    expect(last(stage.asked).asking.body.model).toBe('other');
    last(stage.asked).feed.push(say('second'), DONE);
    await settle();
    expect(store.state().conversations[0]?.model).toBeNull();
    deleteMessages(store, id, last(shown(store, id)).id, 'below');
    expect(last(shown(store, id)).content).toBe('first');
  });

  it('bypasses the cache on regenerate and keeps both responses', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('first'), DONE);
    await settle();
    const first = last(shown(store, id));
    expect(last(stage.asked).asking.bypassCache).toBe(false);
    store.regenerate(id, first.id, { model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.bypassCache).toBe(true);
    expect(last(stage.asked).asking.body.messages).toEqual([{ role: 'user', content: 'one' }]);
    last(stage.asked).feed.push(say('second'), DONE);
    await settle();
    expect(last(shown(store, id)).content).toBe('second');
    store.showVersion(id, first.id);
    expect(last(shown(store, id)).content).toBe('first');
  });

  it('adds an edited question as a sibling of the old one', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    last(stage.asked).feed.push(say('1'), DONE);
    await settle();
    const [question] = shown(store, id);
    store.edit(id, question?.id ?? '', 'uno', { model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body.messages).toEqual([{ role: 'user', content: 'uno' }]);
    expect(store.state().threads.get(id)?.size).toBe(4);
  });

  it('sends the current system prompt and parameters with every question', async () => {
    const store = stage.newStore();
    const settings = { systemPrompt: 'Be brief.', sampling: { temperature: 0 } };
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES, settings });
    await settle();
    expect(last(stage.asked).asking.body).toMatchObject({ system_prompt: 'Be brief.', options: { temperature: 0 } });
    last(stage.asked).feed.push(say('1'), DONE);
    await settle();
    store.configure(id, { systemPrompt: '', sampling: { num_predict: 64 } });
    store.send({ conversationId: id, text: 'two', model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body.options).toEqual({ num_predict: 64 });
    expect(last(stage.asked).asking.body.system_prompt).toBeUndefined();
  });

  it('keeps the text files of a question that is edited, and the id that it came with', async () => {
    const files = [{ name: 'a.log', text: 'one' }];
    const store = stage.newStore();
    const id = store.send({ conversationId: null, id: 'q', text: '', files, model: null, capabilities: BLIND });
    await settle();
    expect(store.state().conversations[0]?.title).toBe('a.log');
    expect(last(stage.asked).asking.body.messages).toEqual([{ role: 'user', content: 'a.log:\n```log\none\n```' }]);
    store.edit(id, 'q', 'Why?', { model: null, capabilities: BLIND });
    await settle();
    expect(last(stage.asked).asking.body.messages[0]?.content).toBe('a.log:\n```log\none\n```\n\nWhy?');
  });

  it('sends images and reasoning settings only to a model with those capabilities', async () => {
    const store = stage.newStore();
    const images: ChatImage[] = [{ id: 'p', name: 'cat.png', type: 'image/png', data: 'aGk=', width: 1, height: 1 }];
    const settings = { ...NO_SETTINGS, think: 'low' as const };
    const id = store.send({ conversationId: null, text: '', images, settings, model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body).toMatchObject({
      messages: [{ role: 'user', images: ['aGk='] }],
      think: 'low',
    });
    expect(store.state().conversations[0]).toMatchObject({ title: 'cat.png', think: 'low' });
    last(stage.asked).feed.push(say('A cat.'), DONE);
    await settle();
    store.send({ conversationId: id, text: 'sure?', model: null, capabilities: BLIND });
    await settle();
    expect(last(stage.asked).asking.body.messages).toEqual([
      { role: 'assistant', content: 'A cat.' },
      { role: 'user', content: 'sure?' },
    ]);
    expect(last(stage.asked).asking.body.think).toBeUndefined();
    const question = shown(store, id)[0];
    store.edit(id, question?.id ?? '', 'What is it?', { model: null, capabilities: SEES });
    await settle();
    expect(last(stage.asked).asking.body.messages).toEqual([
      { role: 'user', content: 'What is it?', images: ['aGk='] },
    ]);
    store.configure(id, NO_SETTINGS);
    expect(store.state().conversations[0]).not.toHaveProperty('think');
  });

  it('removes a conversation and cancels its running response', async () => {
    const store = stage.newStore();
    const id = store.send({ conversationId: null, text: 'one', model: null, capabilities: SEES });
    await settle();
    await store.remove(id);
    expect(store.state().conversations).toEqual([]);
    expect(stage.history.kept.size).toBe(0);
    expect(stage.cancelled).toEqual([last(stage.asked).asking.requestId]);
  });
});
