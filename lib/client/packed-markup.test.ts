import { expect, it } from 'vitest';
import { packMarkup, unpackMarkup } from '#lib/client/packed-markup';

const MARKUP = '<p class="a">5 &lt; 7 &amp; "so" on: C:\\temp, $& and $1</p>';

it('gives back what was packed', () => {
  expect(unpackMarkup(packMarkup(MARKUP))).toBe(MARKUP);
  expect(unpackMarkup(packMarkup(''))).toBe('');
});

it('packs into letters that a script holds as they are', () => {
  const packed = packMarkup(MARKUP);
  expect(packed).not.toMatch(/[<>&"\\]/);
  expect(packed).toHaveLength(MARKUP.length + 5);
});

it('takes no letter that the markup has itself', () => {
  const hostile = `${MARKUP}~^|\`@%*+!?_`;
  expect(unpackMarkup(packMarkup(hostile))).toBe(hostile);
  expect(() => packMarkup('~^|`@$%*+!?_#{}[];=()')).toThrow('every letter');
});
