import { expect, it } from 'vitest';
import { splitArgs } from './split-args.ts';

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
])('splits %j', (line, words) => expect(splitArgs(line)).toEqual(words));
