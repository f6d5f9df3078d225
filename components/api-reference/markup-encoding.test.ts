import { expect, it } from 'vitest';
import { decodeMarkup, encodeMarkup } from './markup-encoding.ts';

const MARKUP = '<p class="a">5 &lt; 7 &amp; "so" on: C:\\temp, $& and $1</p>';

it('gives back what was packed', () => {
  expect(decodeMarkup(encodeMarkup(MARKUP))).toBe(MARKUP);
  expect(decodeMarkup(encodeMarkup(''))).toBe('');
});

it('packs into letters that a script holds as they are', () => {
  const packed = encodeMarkup(MARKUP);
  expect(packed).not.toMatch(/[<>&"\\]/);
  expect(packed).toHaveLength(MARKUP.length + 5);
});

it('takes no letter that the markup has itself', () => {
  const hostile = `${MARKUP}~^|\`@%*+!?_`;
  expect(decodeMarkup(encodeMarkup(hostile))).toBe(hostile);
  expect(() => encodeMarkup('~^|`@$%*+!?_#{}[];=()')).toThrow('every letter');
});
