import { describe, expect, it } from 'vitest';
import { type SearchableMessage, searchMessages, snippetOf } from './message-search.ts';

const marked = ({ text, marks }: ReturnType<typeof snippetOf>) => marks.map(([start, end]) => text.slice(start, end));

describe('snippetOf', () => {
  it('returns the line of the match with every word marked', () => {
    const snippet = snippetOf('first line\nThe Zeppelin flies, the zeppelin lands\nlast', ['zeppelin', 'flies']);
    expect(snippet.text).toBe('The Zeppelin flies, the zeppelin lands');
    expect(marked(snippet)).toEqual(['Zeppelin', 'flies', 'zeppelin']);
  });

  it('cuts a long line around the match and begins with a whole word', () => {
    const snippet = snippetOf(`${'before '.repeat(40)}zeppelin ${'after '.repeat(40)}`, ['zeppelin']);
    expect(snippet.text).toMatch(/^…before (before )*zeppelin after .*…$/);
    expect(snippet.text.length).toBeLessThan(130);
    expect(marked(snippet)).toEqual(['zeppelin']);
  });

  it('treats the query as text and not as a pattern', () => {
    expect(marked(snippetOf('a+b (c) [d]-e/f', ['a+b', '(c)', '[d]-e/f']))).toEqual(['a+b', '(c)', '[d]-e/f']);
  });

  it('marks the longer word where one contains the other', () => {
    expect(marked(snippetOf('borrowing', ['borrow', 'borrowing']))).toEqual(['borrowing']);
  });
});

describe('searchMessages', () => {
  const store = (count: number): SearchableMessage[] =>
    Array.from({ length: count }, (_, index) => ({
      id: String(index).padStart(6, '0'),
      conversationId: `c${index % 7}`,
      content: index % 10 === 3 ? `needle ${index}` : 'hay',
      createdAt: index,
      size: 2_000,
    }));
  const reader =
    (messages: readonly SearchableMessage[], reads: (string | undefined)[] = []) =>
    async (after: string | undefined, count: number) => {
      reads.push(after);
      return messages.filter(({ id }) => after === undefined || id > after).slice(0, count);
    };

  it('reads all batches and keeps the newest message of each conversation', async () => {
    const messages = store(1000);
    const hits = await searchMessages(reader(messages), 'NEEDLE');
    expect(hits.size).toBe(7);
    for (const [conversationId, { messageId }] of hits) {
      const newest = messages
        .filter((message) => message.conversationId === conversationId && /needle/.test(message.content))
        .at(-1);
      expect(messageId).toBe(newest?.id);
    }
  });

  it('reads few messages at once while they contain images', async () => {
    const counts: number[] = [];
    const search = (messages: readonly SearchableMessage[]) => {
      counts.length = 0;
      const read = reader(messages);
      return searchMessages((after, count) => {
        counts.push(count);
        return read(after, count);
      }, 'needle');
    };
    expect((await search(store(1_000))).size).toBe(7);
    expect(Math.max(...counts)).toBe(250);
    expect(counts.length).toBeLessThan(12);
    const withImages = store(100).map((message) => ({ ...message, size: 4_000_000 }));
    expect((await search(withImages)).size).toBe(7);
    expect(Math.max(...counts)).toBe(4);
    await search(store(100).map((message) => ({ ...message, size: 48_000_000 })));
    expect(counts.slice(1).every((count) => count === 1)).toBe(true);
  });

  it('finds only conversations that an earlier, shorter query found', async () => {
    const hits = await searchMessages(reader(store(1000)), 'needle', { within: new Set(['c2']) });
    expect([...hits.keys()]).toEqual(['c2']);
  });

  it('stops after the batch in which it is aborted', async () => {
    const reads: (string | undefined)[] = [];
    const abort = new AbortController();
    const read = reader(store(1000), reads);
    const search = searchMessages(
      (after, count) => {
        if (reads.length === 1) abort.abort();
        return read(after, count);
      },
      'needle',
      { signal: abort.signal },
    );
    await expect(search).rejects.toThrow(/abort/i);
    expect(reads).toHaveLength(2);
  });

  it('finds nothing for a query of spaces and reads nothing', async () => {
    const reads: (string | undefined)[] = [];
    expect((await searchMessages(reader(store(10), reads), '  ')).size).toBe(0);
    expect(reads).toEqual([]);
  });
});
