import { expect, it } from 'vitest';
import { splitArguments } from '#lib/client/arguments';

it.each([
  ['', []],
  ['  a  b ', ['a', 'b']],
  ['--name "two words" x', ['--name', 'two words', 'x']],
  [`'a "b" c' d`, ['a "b" c', 'd']],
  ['""', ['']],
  ['a"b c"d', ['ab cd']],
  ['a\\ b "c\\"d"', ['a b', 'c"d']],
  [`'a\\b'`, ['a\\b']],
  ['"open to the end', ['open to the end']],
])('splits %j', (line, words) => expect(splitArguments(line)).toEqual(words));
