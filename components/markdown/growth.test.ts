import { describe, expect, it } from 'vitest';
import { closeUnfinished } from './close-unfinished.ts';
import { toElements } from './markdown-processor.ts';
import { lengthenOuterFences } from './nested-fences.ts';
import { normalizeMath } from './normalize-math.ts';
import { splitBlocks } from './split-blocks.ts';

/** CPU time in milliseconds, which other processes affect less than the clock. */
function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  return process.cpuUsage(before).user / 1_000;
}

/** Shorter runs are noise. */
const NOISE_MS = 60;

/**
 * Asserts that four times the text takes at most eight times as long: linear growth is 4,
 * quadratic
 * 16. Starts with few repeats, where exponential growth shows but still ends. A failure must show
 * three times, because some runs also compile or collect garbage.
 */
function expectLinear(work: (text: string) => unknown, text: (repeats: number) => string, repeats: number): void {
  expect(cpuMs(() => work(text(8)))).toBeLessThan(500);
  const excess = () => cpuMs(() => work(text(4 * repeats))) - 8 * cpuMs(() => work(text(repeats)));
  if (excess() > NOISE_MS && excess() > NOISE_MS) expect(excess()).toBeLessThan(NOISE_MS);
}

describe('linear time for unclosed marks', () => {
  it.each([
    ['brackets in an address', (n: number) => `[x](${'(abcdefgh'.repeat(n)} zz`],
    ['brackets alone in an address', (n: number) => `[x](${'('.repeat(n)} zz`],
    ['links', (n: number) => `${'[x](a '.repeat(n)}zz`],
    ['links without a space', (n: number) => `${'[x](a'.repeat(n)} zz`],
    ['backslashes in an address', (n: number) => `[x](${'(\\abcdefg'.repeat(n)} zz`],
  ])('closes %s', (_, text) => expectLinear(closeUnfinished, text, 200));

  it.each([
    ['brackets on lines', (n: number) => '[\n'.repeat(n)],
    ['brackets in code', (n: number) => `\`\`\`\n${'[\n'.repeat(n)}`],
    ['comments', (n: number) => '<!-- x\n\ntext\n\n'.repeat(n)],
    ['elements', (n: number) => '<details>\n\n'.repeat(n)],
    ['lists', (n: number) => '- a\n\n'.repeat(n)],
  ])('splits %s into blocks', (_, text) => expectLinear(splitBlocks, text, 4_000));

  it.each([
    ['brackets', (n: number) => `${'\\[\n'.repeat(n)}$`],
    ['brackets after blank lines', (n: number) => `${'\n\n\\['.repeat(n)}$`],
    ['environments', (n: number) => `${'\\begin{align}\n'.repeat(n)}$`],
    ['dollars', (n: number) => `${'$$ a\n'.repeat(n)}`],
    ['single dollars', (n: number) => `$$${'$ a\n'.repeat(n)}`],
    ['code', (n: number) => `$$${'` `` '.repeat(n)}`],
  ])('normalizes %s of displays', (_, text) => expectLinear((found) => normalizeMath(found, true), text, 2_000));

  it.each([
    ['fences', (n: number) => '```md\n'.repeat(n)],
    ['fences that end', (n: number) => `\`\`\`md\n${'```js\n```\n'.repeat(n)}`],
    ['fences of both kinds', (n: number) => '```md\n~~~\n'.repeat(n)],
  ])('lengthens fences around %s', (_, text) => expectLinear((found) => lengthenOuterFences(found, true), text, 1_000));

  it.each([
    ['comments', (n: number) => '<!-- x\n\ntext\n\n'.repeat(n)],
    ['scripts in a quote', (n: number) => `> ${'<script>\n>\n> '.repeat(n)}`],
    ['elements', (n: number) => `a ${'<kbd>'.repeat(n)}${'</sub>'.repeat(n)}`],
    ['elements in a block', (n: number) => `<div>${'<b>'.repeat(20 * n)}${'</i>'.repeat(20 * n)}</div>`],
    ['attributes', (n: number) => `a <kbd ${'x '.repeat(n)}`],
    ['quoted attributes', (n: number) => `a ${'<kbd x="'.repeat(n)}`],
  ])('parses %s in HTML', (_, text) => expectLinear((found) => toElements(found, 'x'), text, 100));
});
