import { describe, expect, it } from 'vitest';
import { splitBlocks } from './split-blocks.ts';

const MAX_CHARACTERS = 20_100;
const longest = (blocks: readonly string[]) => Math.max(...blocks.map(({ length }) => length));

describe('splitBlocks of a text that never ends a paragraph', () => {
  it.each([
    ['lines', 'one more line\n'.repeat(10_000)],
    ['words in one line', 'lorem ipsum '.repeat(10_000)],
    ['one word', 'x'.repeat(100_000)],
    ['pairs of surrogates', `a${'😀'.repeat(50_000)}`],
    ['items of a list', '- item\n'.repeat(10_000)],
    ['definitions of links', '[a]: b\n'.repeat(50_000)],
    ['a line after lines', `${'a\n'.repeat(3_000)}${'x'.repeat(60_000)}\nend`],
  ])('bounds the length of each block: %s', (_, text) => {
    const blocks = splitBlocks(text);
    expect(longest(blocks)).toBeLessThan(MAX_CHARACTERS);
    expect(blocks.join('') === text).toBe(true);
    expect(blocks.some((block) => /^[\uDC00-\uDFFF]/.test(block))).toBe(false);
  });

  it.each([
    ['fenced code', `\`\`\`\n${'print(1)\n'.repeat(10_000)}\`\`\`\n`],
    ['a line of fenced code', `\`\`\`\n${'x'.repeat(100_000)}\n\`\`\`\n`],
    ['a table', `| a | b |\n| - | - |\n${'| 1 | 2 |\n'.repeat(10_000)}`],
  ])('keeps %s whole', (_, text) => expect(splitBlocks(text)).toHaveLength(1));

  it('changes no earlier block while the text grows', () => {
    const text = `${'lorem ipsum '.repeat(5_000)}\n${'line\n'.repeat(9_000)}`;
    const before = splitBlocks(text.slice(0, 70_000));
    expect(splitBlocks(text).slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });
});
