import { describe, expect, it } from 'vitest';
import {
  type ChatImage,
  type ChatMessage,
  newestLeafBelow,
  pathTo,
  shownPath,
  type Thread,
  titleFrom,
  toRequestMessages,
  type UserMessage,
  versionsOf,
} from './conversation.ts';
import { planDeletion } from './delete-messages.ts';
import { newResponse } from './response-states.ts';

const image: ChatImage = { id: 'p', name: 'cat.png', type: 'image/png', data: 'aGk=', width: 1, height: 1 };

function user(id: string, parentId: string | null, createdAt: number): UserMessage {
  return { id, conversationId: 'c', parentId, role: 'user', content: `text of ${id}`, createdAt };
}

const messages: ChatMessage[] = [
  user('q1', null, 1),
  { ...newResponse('a1', 'c', 'q1', 2), content: 'first answer', state: 'done' },
  { ...newResponse('a2', 'c', 'q1', 3), content: 'second answer', state: 'done' },
  user('q2', 'a1', 4),
  { ...newResponse('a3', 'c', 'q2', 5), state: 'waiting' },
];
const thread: Thread = new Map(messages.map((message) => [message.id, message]));

describe('a conversation tree', () => {
  it('shows one path', () => {
    expect(pathTo(thread, 'a3').map((message) => message.id)).toEqual(['q1', 'a1', 'q2', 'a3']);
    expect(pathTo(thread, 'a2').map((message) => message.id)).toEqual(['q1', 'a2']);
    expect(pathTo(thread, null)).toEqual([]);
    expect(pathTo(thread, 'gone')).toEqual([]);
  });

  it('finds the shown path once for each thread and leaf', () => {
    const path = shownPath(thread, 'a3');
    expect(path).toEqual(pathTo(thread, 'a3'));
    expect(shownPath(thread, 'a3')).toBe(path);
    expect(shownPath(thread, 'a2')).toEqual(pathTo(thread, 'a2'));
    const grown = new Map(thread).set('a3', { ...newResponse('a3', 'c', 'q2', 5), content: 'more' });
    expect(shownPath(grown, 'a3').at(-1)).toBe(grown.get('a3'));
  });

  it('switches between versions, to the newest leaf of each', () => {
    expect(versionsOf(thread, thread.get('a2') ?? user('', null, 0)).map((message) => message.id)).toEqual([
      'a1',
      'a2',
    ]);
    expect(newestLeafBelow(thread, 'a1')).toBe('a3');
    expect(newestLeafBelow(thread, 'a2')).toBe('a2');
    expect(newestLeafBelow(thread, 'q1')).toBe('a2');
  });

  it('ends each walk where stored parents form a cycle', () => {
    const cycle: Thread = new Map<string, ChatMessage>([
      ['q', user('q', 'a', 1)],
      ['a', { ...newResponse('a', 'c', 'q', 2), state: 'done' }],
    ]);
    expect(pathTo(cycle, 'a').map(({ id }) => id)).toEqual(['q', 'a']);
    expect(newestLeafBelow(cycle, 'q')).toBe('a');
    expect(planDeletion(cycle, 'a', 'q', 'below')).toMatchObject({ leafId: null, removed: [{ id: 'q' }, { id: 'a' }] });
  });

  it('omits empty responses from the request', () => {
    expect(toRequestMessages(pathTo(thread, 'a3'), { vision: true })).toEqual([
      { role: 'user', content: 'text of q1' },
      { role: 'assistant', content: 'first answer' },
      { role: 'user', content: 'text of q2' },
    ]);
  });

  it('sends text files as code blocks in front of the question', () => {
    const files = [{ name: 'data.csv', text: 'a,b' }];
    const asked: ChatMessage = { ...user('q', null, 1), files };
    const wordless: ChatMessage = { ...user('w', 'q', 2), content: '', files };
    expect(toRequestMessages([asked, wordless], { vision: false }).map(({ content }) => content)).toEqual([
      'data.csv:\n```csv\na,b\n```\n\ntext of q',
      'data.csv:\n```csv\na,b\n```',
    ]);
  });

  it('sends images only to a model with vision', () => {
    const question: ChatMessage = { ...user('q', null, 1), images: [image] };
    const wordless: ChatMessage = { ...user('w', 'q', 2), content: '', images: [image] };
    expect(toRequestMessages([question, wordless], { vision: true })).toEqual([
      { role: 'user', content: 'text of q', images: ['aGk='] },
      { role: 'user', content: '', images: ['aGk='] },
    ]);
    expect(toRequestMessages([question, wordless], { vision: false })).toEqual([
      { role: 'user', content: 'text of q' },
    ]);
  });
});

describe('titleFrom', () => {
  it.each([
    ['  Explain   monads\nin detail', 'Explain monads'],
    ['', 'New chat'],
    ['a'.repeat(80), `${'a'.repeat(60)}…`],
    [`${'word '.repeat(20)}`, `${'word '.repeat(12).trimEnd()}…`],
  ])('turns %j into %j', (question, title) => expect(titleFrom(question)).toBe(title));

  it.each([
    ['2026-11-29T09:51:41.123Z INFO  server listening on 3000', 'server listening on 3000'],
    ['[2026-11-29 09:51:41,123] [ERROR] worker-3 died', 'worker-3 died'],
    ['Nov 29 09:51:41 host sshd[4]: session opened', 'host sshd[4]: session opened'],
    ['29/Nov/2026:09:51:41 +0000\n\n12:00 WARN: disk is full', 'disk is full'],
    ['----\n42\nTotal of the day', 'Total of the day'],
    ['2026-11-29', '2026-11-29'],
  ])('omits what a log puts in front: %j', (text, title) => expect(titleFrom(text)).toBe(title));

  it('cuts between emoji', () => {
    expect(titleFrom(`a${'😀'.repeat(40)}`)).toBe(`a${'😀'.repeat(29)}…`);
  });

  it('names a question without text after its first attachment', () => {
    expect(titleFrom('', [{ name: 'sales 2026.csv', text: 'a,b' }])).toBe('sales 2026.csv');
    expect(titleFrom('  ', [{ name: 'Pasted text', text: '09:51:41 INFO started\n' }])).toBe('started');
    expect(titleFrom('', [{ name: 'cat.png' }])).toBe('cat.png');
    expect(titleFrom('Why?', [{ name: 'a.log', text: 'x' }])).toBe('Why?');
  });
});
