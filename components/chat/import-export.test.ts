import { describe, expect, it } from 'vitest';
import type { ChatImage, ChatMessage, Conversation, UserMessage } from './conversation.ts';
import { fileName, fromJson, toJson, toMarkdown } from './import-export.ts';
import { newResponse } from './message-reducer.ts';
import { IMAGES_FIELD } from './stored-message.ts';
import { MAX_TEXT_BYTES } from './text-files.ts';

const conversation: Conversation = {
  id: 'c',
  title: 'What is Rust?',
  createdAt: 1,
  updatedAt: 2,
  leafId: 'a',
  model: null,
  systemPrompt: '',
};
const question: UserMessage = {
  id: 'q',
  conversationId: 'c',
  parentId: null,
  role: 'user',
  content: 'What is Rust?',
  createdAt: 1,
};
const response: ChatMessage = { ...newResponse('a', 'c', 'q', 2), content: 'A language.\n', state: 'done', model: 'm' };
const entry = { conversation, messages: [question, response] };

const image: ChatImage = { id: 'p', name: 'a [cat].png', type: 'image/png', data: 'aGk=', width: 2, height: 1 };
const seen: UserMessage = { ...question, images: [image] };

describe('toJson and fromJson', () => {
  it('exports images', () => {
    const entry = { conversation, messages: [seen, response] };
    expect(fromJson(toJson([entry]))).toEqual([entry]);
    expect(toMarkdown(conversation, [seen])).toContain('![a \\[cat\\].png](data:image/png;base64,aGk=)');
  });

  it('exports text files, which Markdown shows as code blocks', () => {
    const asked: UserMessage = { ...question, files: [{ name: 'a.log', text: 'one\n' }] };
    const withFile = { conversation, messages: [asked, response] };
    expect(fromJson(toJson([withFile]))).toEqual([withFile]);
    expect(toMarkdown(conversation, [asked])).toContain('## You\n\na.log:\n```log\none\n```\n\nWhat is Rust?\n');
  });

  it.each([
    ['without a text', { name: 'a.log' }],
    ['without a name', { text: 'one' }],
    ['larger than a request', { name: 'a.log', text: 'x'.repeat(MAX_TEXT_BYTES + 1) }],
  ])('rejects text files %s', (_, file) => {
    const messages = [{ ...question, files: [file] }];
    const format = { format: 'chill-space-conversations', version: 1 };
    const text = JSON.stringify({ ...format, conversations: [{ conversation, messages }] });
    expect(() => fromJson(text)).toThrow(/damaged/);
  });

  it.each([
    ['of another type', { ...image, type: 'image/svg+xml' }],
    ['that are no data', { ...image, data: 'https://example.org/x.png' }],
    ['without a size', { ...image, width: undefined }],
  ])('rejects images %s', (_, bad) => {
    const text = JSON.stringify({
      format: 'chill-space-conversations',
      version: 1,
      conversations: [{ conversation, messages: [{ ...question, [IMAGES_FIELD]: [bad] }] }],
    });
    expect(() => fromJson(text)).toThrow(/damaged/);
  });

  it('imports what it exported', () => {
    expect(fromJson(toJson([entry]))).toEqual([entry]);
  });

  it('imports a running response as stopped', () => {
    const [read] = fromJson(toJson([{ conversation, messages: [question, { ...response, state: 'streaming' }] }]));
    expect(read?.messages[1]).toMatchObject({ state: 'stopped', content: 'A language.\n' });
  });

  it.each([
    ['nothing', ''],
    ['another file', '{"a":1}'],
    ['a list', '[]'],
    ['a later version', toJson([]).replace('"version": 1', '"version": 2')],
    ['a message of another conversation', toJson([{ conversation, messages: [{ ...question, conversationId: 'x' }] }])],
    ['a message without text', toJson([entry]).replace('"content": "What is Rust?"', '"content": 7')],
    ['an unknown role', toJson([entry]).replace('"role": "user"', '"role": "wizard"')],
    ['a conversation without a title', toJson([entry]).replace('"title"', '"name"')],
  ])('rejects a file that is %s with a sentence', (_, text) => {
    expect(() => fromJson(text)).toThrow(/\.$/);
  });

  it('writes readable Markdown', () => {
    expect(toMarkdown(conversation, [question, response])).toBe(
      '# What is Rust?\n\n## You\n\nWhat is Rust?\n\n## Answer from m\n\nA language.\n',
    );
  });

  it.each([
    ['What is Rust?', 'what-is-rust.md'],
    ['../../etc/passwd', 'etc-passwd.md'],
    ['Größe & 世界', 'größe-世界.md'],
    ['???', 'conversation.md'],
  ])('names a file for %j as %s', (title, name) => expect(fileName(title, 'md')).toBe(name));
});
