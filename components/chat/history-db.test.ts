import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it, vi } from 'vitest';
import type { ChatImage, ChatMessage, Conversation } from './conversation.ts';
import { type Attachment, NEW_CHAT, openHistory } from './history-db.ts';

function conversation(id: string, updatedAt: number): Conversation {
  return { id, title: id, createdAt: 1, updatedAt, leafId: null, model: null, systemPrompt: '' };
}

function message(id: string, conversationId: string, content: string, createdAt = 1): ChatMessage {
  return { id, conversationId, parentId: null, role: 'user', content, createdAt };
}

function image(id: string): ChatImage {
  return { id, name: id, type: 'image/png', data: 'AA==', width: 1, height: 1 };
}

let databases = 0;
const fresh = () => openHistory(`history-${++databases}`);

describe('ChatHistory', () => {
  it('returns the newest conversation first and messages in order of creation', async () => {
    const history = fresh();
    await history.save(conversation('old', 1), []);
    await history.save(conversation('new', 2), [message('b', 'new', 'two', 2), message('a', 'new', 'one', 1)]);
    expect((await history.conversations()).map(({ id }) => id)).toEqual(['new', 'old']);
    expect((await history.messages('new')).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('opens the database again after an attempt failed', async () => {
    const history = fresh();
    const open = vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    await expect(history.conversations()).rejects.toThrow('full');
    await history.save(conversation('c', 1), []);
    expect((await history.conversations()).map(({ id }) => id)).toEqual(['c']);
    open.mockRestore();
  });

  it('replaces records with the same id', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), [message('a', 'c', 'half')]);
    await history.save({ ...conversation('c', 2), title: 'renamed' }, [message('a', 'c', 'whole')]);
    expect((await history.conversations()).map(({ title }) => title)).toEqual(['renamed']);
    expect((await history.messages('c')).map(({ content }) => content)).toEqual(['whole']);
  });

  it('removes a conversation with its messages, and no other', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), [message('a', 'c', 'x')]);
    await history.save(conversation('d', 2), [message('b', 'd', 'y')]);
    await history.remove('c');
    expect((await history.conversations()).map(({ id }) => id)).toEqual(['d']);
    expect(await history.messages('c')).toEqual([]);
    expect(await history.messages('d')).toHaveLength(1);
    await history.removeAll();
    expect(await history.conversations()).toEqual([]);
    expect(await history.messages('d')).toEqual([]);
  });

  it('finds conversations by all words of a query, case-insensitively', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), [message('a', 'c', 'Borrowing in Rust'), message('b', 'c', 'RUST again')]);
    await history.save(conversation('d', 2), [message('e', 'd', 'Rust on the bike')]);
    const found = async (query: string) => [...(await history.search(query)).keys()].sort();
    expect(await found('rust')).toEqual(['c', 'd']);
    expect(await found('RUST borrowing')).toEqual(['c']);
    expect(await found('python')).toEqual([]);
  });

  it('finds conversations by the names and texts of attached files', async () => {
    const history = fresh();
    const files = [{ name: 'notes.txt', text: 'Line 16\nLine 17 about llamas' }];
    await history.save(conversation('c', 1), [{ ...message('a', 'c', 'Sum it up'), role: 'user', files }]);
    const hits = await history.search('17 llamas');
    expect(hits.get('c')?.snippet.text).toBe('Line 17 about llamas');
    expect([...(await history.search('notes sum')).keys()]).toEqual(['c']);
  });

  it('returns what it deletes of a conversation, which puts all of it back', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), [{ ...message('a', 'c', 'x'), role: 'user', images: [image('1')] }]);
    await history.attach('c', 'page', image('2'));
    await history.save(conversation('d', 1), [message('b', 'd', 'y')]);
    const before = await history.messages('c');
    const taken = await history.take('c');
    expect(await history.messages('c')).toEqual([]);
    expect(await history.ownerPages('c')).toEqual([]);
    expect((await history.conversations()).map(({ id }) => id)).toEqual(['d']);
    if (taken === undefined) throw new Error('nothing was taken');
    await history.putBack(taken);
    expect(await history.messages('c')).toEqual(before);
    expect(await history.ownerPages('c')).toEqual(['page']);
    expect(await history.take('nowhere')).toBeUndefined();
  });

  it('keeps saved records after it is reopened', async () => {
    const name = `history-${++databases}`;
    await openHistory(name).save(conversation('c', 1), [message('a', 'c', 'x')]);
    expect(await openHistory(name).messages('c')).toHaveLength(1);
  });

  it('migrates a database of version 1', async () => {
    const name = `history-${++databases}`;
    const first = await openDB(name, 1, {
      upgrade(db) {
        db.createObjectStore('conversations', { keyPath: 'id' });
        db.createObjectStore('messages', { keyPath: 'id' }).createIndex('conversationId', 'conversationId');
      },
    });
    await first.put('conversations', conversation('c', 1));
    await first.put('messages', message('a', 'c', 'x'));
    first.close();
    const history = openHistory(name);
    expect(await history.messages('c')).toHaveLength(1);
    await history.attach('c', 'page', image('1'));
    expect(await history.ownerPages('c')).toEqual(['page']);
  });
});

describe('stored attachments', () => {
  const all = { images: Number.POSITIVE_INFINITY, files: Number.POSITIVE_INFINITY };
  const ids = (attachments: readonly Attachment[]) => attachments.map(({ id }) => id);

  it('reassigns images in order, each once, up to the maximum', async () => {
    const history = fresh();
    for (const id of ['3', '1', '2']) await history.attach(NEW_CHAT, 'old', image(id));
    await history.attach(NEW_CHAT, 'other', image('4'));
    expect(await history.ownerPages(NEW_CHAT)).toEqual(['old', 'other']);
    const [first, second] = await Promise.all([
      history.reassign(NEW_CHAT, 'old', 'a', { images: 2, files: 0 }),
      history.reassign(NEW_CHAT, 'old', 'b', all),
    ]);
    expect([ids(first), ids(second)]).toEqual([['3', '1'], ['2']]);
    expect(await history.ownerPages(NEW_CHAT)).toEqual(['a', 'b', 'other']);
    expect(ids(await history.reassign(NEW_CHAT, 'a', 'c', all))).toEqual(['3', '1']);
  });

  it('reassigns text files up to their own maximum', async () => {
    const history = fresh();
    await history.attach(NEW_CHAT, 'old', image('1'));
    for (const id of ['2', '3'])
      await history.attach(NEW_CHAT, 'old', { id, type: 'text', name: `${id}.log`, text: 'line\n' });
    const taken = await history.reassign(NEW_CHAT, 'old', 'new', { images: 0, files: 1 });
    expect(taken).toEqual([{ id: '2', type: 'text', name: '2.log', text: 'line\n' }]);
    await history.detach(['2']);
    expect(await history.ownerPages(NEW_CHAT)).toEqual(['old']);
    expect(ids(await history.reassign(NEW_CHAT, 'old', 'new', all))).toEqual(['1', '3']);
  });

  it('detaches images by id, whichever page owns them', async () => {
    const history = fresh();
    for (const id of ['1', '2']) await history.attach(NEW_CHAT, 'page', image(id));
    await history.detach(['1', 'never attached']);
    expect(ids(await history.reassign(NEW_CHAT, 'page', 'next', all))).toEqual(['2']);
  });

  it('deletes attachments with their conversation and stores none for a missing one', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), []);
    await history.save(conversation('d', 1), []);
    for (const chat of ['c', 'd', NEW_CHAT]) await history.attach(chat, 'page', image(chat));
    await history.remove('c');
    await history.attach('c', 'page', image('late'));
    expect(await history.ownerPages('c')).toEqual([]);
    expect(ids(await history.reassign('d', 'page', 'next', all))).toEqual(['d']);
    await history.removeAll();
    expect(await history.ownerPages(NEW_CHAT)).toEqual([]);
  });
});
