import { expect, it } from 'vitest';
import { decodeMarkup, encodeMarkup } from './markup-encoding.ts';

const MARKUP = '<p class="a">5 &lt; 7 &amp; "so" on: C:\\temp, $& and $1</p>';

it('decodes what it encoded', () => {
  expect(decodeMarkup(encodeMarkup(MARKUP))).toBe(MARKUP);
  expect(decodeMarkup(encodeMarkup(''))).toBe('');
});

it('uses only characters that a script leaves unescaped', () => {
  const packed = encodeMarkup(MARKUP);
  expect(packed).not.toMatch(/[<>&"\\]/);
  expect(packed).toHaveLength(MARKUP.length + 5);
});

it('substitutes no character that the markup contains', () => {
  const hostile = `${MARKUP}~^|\`@%*+!?_`;
  expect(decodeMarkup(encodeMarkup(hostile))).toBe(hostile);
  const ascii = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index));
  expect(decodeMarkup(encodeMarkup(ascii))).toBe(ascii);
  expect(() => encodeMarkup(`${ascii}\x7f¤¦§¨¬±¶¸`)).toThrow('every letter');
});
