import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import type { ChatMessage, Conversation } from '#lib/client/conversation';
import { openHistory } from '#lib/client/history';

function conversation(id: string, updatedAt: number): Conversation {
  return { id, title: id, createdAt: 1, updatedAt, leafId: null, model: null, systemPrompt: '' };
}

function message(id: string, conversationId: string, content: string, createdAt = 1): ChatMessage {
  return { id, conversationId, parentId: null, role: 'user', content, createdAt };
}

let databases = 0;
const fresh = () => openHistory(`history-${++databases}`);

describe('the history', () => {
  it('gives the newest conversation first, and messages in the order in which they were written', async () => {
    const history = fresh();
    await history.save(conversation('old', 1), []);
    await history.save(conversation('new', 2), [message('b', 'new', 'two', 2), message('a', 'new', 'one', 1)]);
    expect((await history.conversations()).map(({ id }) => id)).toEqual(['new', 'old']);
    expect((await history.messages('new')).map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('replaces what it had of the same id', async () => {
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

  it('finds conversations by all words of a query, in any case', async () => {
    const history = fresh();
    await history.save(conversation('c', 1), [message('a', 'c', 'Borrowing in Rust'), message('b', 'c', 'RUST again')]);
    await history.save(conversation('d', 2), [message('e', 'd', 'Rust on the bike')]);
    expect(await history.search('rust')).toEqual(new Set(['c', 'd']));
    expect(await history.search('RUST borrowing')).toEqual(new Set(['c']));
    expect(await history.search('python')).toEqual(new Set());
  });

  it('keeps what was saved when it is opened again', async () => {
    const name = `history-${++databases}`;
    await openHistory(name).save(conversation('c', 1), [message('a', 'c', 'x')]);
    expect(await openHistory(name).messages('c')).toHaveLength(1);
  });
});
