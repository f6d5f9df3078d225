import { expect, it } from 'vitest';
import { fenceLabel } from './fence-names.ts';
import { SHIKI_GRAMMARS } from './shiki-grammars.ts';

it.each([
  ['json', 'JSON'],
  ['YML', 'YAML'],
  ['c++', 'C++'],
  ['cs', 'C#'],
  ['py', 'Python'],
  ['ts', 'TypeScript'],
  ['jsonl', 'JSON Lines'],
  ['my-own-language', 'my-own-language'],
])('writes %s as %s', (fence, label) => {
  expect(fenceLabel(fence)).toBe(label);
});

it('has a name for every language that is highlighted', () => {
  const unnamed = Object.keys(SHIKI_GRAMMARS).filter((name) => fenceLabel(name) === name);
  expect(unnamed).toEqual(['nginx']);
});
