import { describe, expect, it } from 'vitest';
import type { ChatImage, UserMessage } from './conversation.ts';
import { requestSizeError } from './request-size.ts';

const image = (characters: number): ChatImage => ({
  id: 'p',
  name: 'p.png',
  type: 'image/png',
  data: 'A'.repeat(characters),
  width: 1,
  height: 1,
});
const question = (part: Partial<UserMessage>): UserMessage => ({
  ...{ id: 'q', conversationId: 'c', parentId: null, role: 'user', content: 'What is it?', createdAt: 1 },
  ...part,
});
const NOTHING = { path: [], text: 'So?', images: [], files: [], systemPrompt: '', vision: true };
const lines = (count: number) => 'x\n'.repeat(count);

describe('requestSizeError', () => {
  it('accepts what the server accepts, and names size and limit of a longer message', () => {
    expect(requestSizeError({ ...NOTHING, text: 'x'.repeat(1_000_000) })).toBeUndefined();
    const sentence = 'Your message is too long (1.8 MB; the limit is 1 MB).';
    expect(requestSizeError({ ...NOTHING, text: 'x'.repeat(1_850_000) })).toBe(sentence);
    expect(requestSizeError({ ...NOTHING, files: [{ name: 'a', text: 'x'.repeat(1_850_000) }] })).toBe(sentence);
  });

  it('counts bytes as they are sent: escaped, and in UTF-8', () => {
    expect(requestSizeError({ ...NOTHING, text: lines(300_000) })).toBeUndefined();
    expect(requestSizeError({ ...NOTHING, text: lines(400_000) })).toMatch(/too long \(1\.1 MB/);
    expect(requestSizeError({ ...NOTHING, text: '世'.repeat(400_000) })).toMatch(/too long \(1\.1 MB/);
  });

  it('counts the messages in front, with their files, and the system prompt', () => {
    const path = [question({ files: [{ name: 'a', text: 'x'.repeat(600_000) }] })];
    expect(requestSizeError({ ...NOTHING, path })).toBeUndefined();
    const chat = { ...NOTHING, path, text: 'x'.repeat(500_000) };
    expect(requestSizeError(chat)).toMatch(/^This chat is too long with your message \(1\.1 MB; the limit is 1 MB\)\./);
    expect(requestSizeError({ ...chat, path: [], systemPrompt: 'x'.repeat(600_000) })).toMatch(
      /^This chat is too long/,
    );
  });

  it('accepts images up to the size of a request, and counts none that are not sent', () => {
    const images = [image(11_000_000)];
    expect(requestSizeError({ ...NOTHING, images })).toBeUndefined();
    const path = [question({ images })];
    expect(requestSizeError({ ...NOTHING, images, path })).toMatch(/21 MB; the limit is 20 MB/);
    expect(requestSizeError({ ...NOTHING, path, vision: false })).toBeUndefined();
  });

  it('rejects more images and files than a message may have', () => {
    const many = Array.from({ length: 17 }, () => image(1));
    expect(requestSizeError({ ...NOTHING, images: many })).toBe('You can attach up to 16 images.');
    const files = many.map(({ name }) => ({ name, text: '' }));
    expect(requestSizeError({ ...NOTHING, files })).toBe('You can attach up to 16 text files.');
  });
});
