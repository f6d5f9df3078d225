import { expect, it } from 'vitest';
import { codeFence } from './code-fence.ts';

it('is longer than any run of backticks', () => {
  expect(codeFence('js', 'a `b`')).toBe('```js\na `b`\n```');
  expect(codeFence('', 'a\n````\n')).toBe('`````\na\n````\n`````');
});

it.each([
  ['one run', '`'.repeat(2 ** 20), 2 ** 20 + 1],
  ['many runs', '``` '.repeat(2 ** 18), 4],
  ['many single ones', '` '.repeat(2 ** 19), 3],
])('takes 1 MB of backticks: %s', (_, text, length) => {
  const fenced = codeFence('', text);
  expect(fenced.length).toBe(text.length + 2 * length + 2);
  expect(fenced.indexOf('\n')).toBe(length);
});
