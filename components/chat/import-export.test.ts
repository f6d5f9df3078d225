import { describe, expect, it } from 'vitest';
import type { ChatImage, ChatMessage, Conversation, UserMessage } from './conversation.ts';
import { fileName, fromJson, toJson, toMarkdown } from './import-export.ts';
import { newResponse } from './response-states.ts';
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

const asFile = (entry: unknown) =>
  JSON.stringify({ format: 'chill-space-conversations', version: 1, conversations: [entry] });

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
    ['a time that no date has', { createdAt: 1e300 }],
    ['a model that is no name', { model: { a: 1 } }],
    ['figures that are no numbers', { tokensPerSecond: 'fast' }],
    ['a state that no response has', { state: 'dancing' }],
    ['a failure that is a text', { state: 'failed', failure: 'boom' }],
    ['a failure without a sentence', { state: 'failed', failure: { message: {}, code: 5 } }],
    ['a parent that is no id', { parentId: 9 }],
  ])('rejects a response with %s', (_, change) => {
    expect(() => fromJson(asFile({ conversation, messages: [question, { ...response, ...change }] }))).toThrow(
      /damaged/,
    );
  });

  it.each([
    ['a time that no date has', { updatedAt: 1e300 }],
    ['parameters that are a text', { sampling: 'hot' }],
    ['a parameter that is no number', { sampling: { temperature: 'hot' } }],
    ['stops that are no list', { sampling: { stop: 'x' } }],
    ['a model that is no name', { model: 7 }],
    ['a leaf that is no id', { leafId: 5 }],
  ])('rejects a chat with %s', (_, change) => {
    expect(() => fromJson(asFile({ conversation: { ...conversation, ...change }, messages: [] }))).toThrow(/damaged/);
  });

  it('reads all that a response may have', () => {
    const failure = { message: 'Full.', code: 'queue_full', data: { queue_length: 1 }, retryAt: 5 };
    const queue = { position: 1, length: 2, waitMs: 3 };
    const full = {
      ...response,
      state: 'failed',
      failure,
      queue,
      model: 'm',
      tokensPerSecond: 2.5,
      promptTruncated: true,
    };
    const settings = { sampling: { temperature: 0.5, stop: ['x'] } };
    const read = fromJson(asFile({ conversation: { ...conversation, ...settings }, messages: [question, full] }));
    expect(read).toEqual([{ conversation: { ...conversation, ...settings }, messages: [question, full] }]);
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
