import { describe, expect, it } from 'vitest';
import type { ChatImage, UserMessage } from './conversation.ts';
import { requestSizeError, scaledSize } from './images.ts';

const image = (characters: number): ChatImage => ({
  id: 'p',
  name: 'p.png',
  type: 'image/png',
  data: 'A'.repeat(characters),
  width: 1,
  height: 1,
});
const question = (images: readonly ChatImage[]): UserMessage => ({
  id: 'q',
  conversationId: 'c',
  parentId: null,
  role: 'user',
  content: 'What is it?',
  createdAt: 1,
  images,
});

describe('scaledSize', () => {
  it.each([
    [800, 600, 800, 600],
    [4096, 2048, 2048, 1024],
    [3000, 12_000, 512, 2048],
    [100_000, 1, 2048, 1],
  ])('scales %d × %d to %d × %d', (width, height, sentWidth, sentHeight) =>
    expect(scaledSize(width, height)).toEqual({ width: sentWidth, height: sentHeight }),
  );
});

describe('requestSizeError', () => {
  it('accepts images up to the size of a request', () => {
    expect(requestSizeError([], [image(10_000_000)])).toBeUndefined();
    expect(requestSizeError([question([image(10_000_000)])], [image(10_000_000)])).toBeUndefined();
    expect(requestSizeError([question([image(11_000_000)])], [image(11_000_000)])).toMatch(
      / 21 MB together; one request takes 19.9 MB\./,
    );
  });

  it('rejects more images than the server accepts per message', () => {
    const many = Array.from({ length: 16 }, () => image(1));
    expect(requestSizeError([], many)).toBeUndefined();
    expect(requestSizeError([question(many)], [...many, image(1)])).toMatch(/at most 16/);
  });
});
