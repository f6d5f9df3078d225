import { expect, it } from 'vitest';
import { isPinned } from '#lib/browser/use-pinned-scroll';

const at = (top: number, height = 2_000, viewport = 500) => ({ top, height, viewport });

it.each([
  ['the reader goes up', true, at(1_500), at(1_400), false],
  ['the reader comes back to the end', false, at(1_000), at(1_480), true],
  ['the reader goes down, but not to the end', false, at(1_000), at(1_200), false],
  ['the text grows under a reader at the end', true, at(1_500), at(1_500, 2_400), true],
  ['the text grows under a reader further up', false, at(900), at(900, 2_400), false],
  ['the text shrinks and pulls the view up', true, at(1_900, 2_400), at(1_300, 1_900), true],
])('decides whether the view is pinned when %s', (_, pinned, before, after, expected) =>
  expect(isPinned(pinned, before, after)).toBe(expected),
);
