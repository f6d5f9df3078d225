import { describe, expect, it } from 'vitest';
import { isImageFile } from './images.ts';
import { scaledSize } from './read-image.ts';

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

it.each([
  ['image/png', true],
  ['image/heic', true],
  ['image/svg+xml', false],
  ['text/csv', false],
  ['', false],
])('reads a file of the type %j as an image: %s', (type, expected) =>
  expect(isImageFile(new File([''], 'file', { type }))).toBe(expected),
);
