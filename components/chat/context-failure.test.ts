import { expect, it } from 'vitest';
import { contextFailure } from './context-failure.ts';
import type { ChatMessage, UserMessage } from './conversation.ts';
import { newResponse } from './response-states.ts';

const question = (content: string, files: UserMessage['files'] = []): UserMessage => ({
  ...{ id: 'q', conversationId: 'c', parentId: null, role: 'user', createdAt: 0 },
  ...{ content, files },
});
const refused = newResponse('r', 'c', 'q', 1);
const failureOf = (...messages: ChatMessage[]) =>
  contextFailure(new Map([...messages, refused].map((message) => [message.id, message])), refused);

it('names the attachment that is too long for the model', () => {
  const files = [
    { name: 'a.txt', text: 'x' },
    { name: 'notes.txt', text: 'x'.repeat(35_000) },
  ];
  expect(failureOf(question('Sum it up', files))).toBe(
    'notes.txt is too long for the model (about 8,756 tokens). Attach less of it, or choose another model.',
  );
});

it('names the message that is too long for the model', () => {
  expect(failureOf(question('x'.repeat(8_000)))).toBe(
    'Your message is too long for the model (about 2,006 tokens). Shorten it, or choose another model.',
  );
});

it('names no part of a chat that grew too long', () => {
  const before: ChatMessage = {
    ...newResponse('before', 'c', 'none', 0),
    ...{ parentId: null, state: 'done', content: 'x'.repeat(40_000) },
  };
  expect(failureOf(before, { ...question('And then?'), parentId: 'before' })).toBeUndefined();
});
