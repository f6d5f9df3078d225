import type { Nodes } from 'mdast';
import { describe, expect, it } from 'vitest';
import { parseMarkdown } from './markdown-processor.ts';
import { texOf } from './math-syntax.ts';
import { normalizeMath } from './normalize-math.ts';

/** The formulas in a text, displays in brackets. */
function formulas(text: string, writing = false): string[] {
  const found: string[] = [];
  const visit = (node: Nodes) => {
    if (node.type === 'math') found.push(`[${node.value}]`);
    if (node.type === 'inlineMath') {
      const { tex, isDisplay } = texOf(node.value);
      found.push(isDisplay ? `[${tex}]` : tex);
    }
    if ('children' in node) node.children.forEach(visit);
  };
  visit(parseMarkdown(normalizeMath(text, writing)));
  return found;
}

describe('formulas', () => {
  it.each([
    ['in a line', 'so \\(a^2\\) is', ['a^2']],
    ['with one dollar', 'so $a^2$ is, and $b$.', ['a^2', 'b']],
    ['with two dollars', 'so $$a^2$$ is, and $$ b = c $$.', ['a^2', 'b = c']],
    ['over a line break', 'so \\(a +\n b\\) is', ['a + b']],
    ['as a display', '\\[\na = b\n\\]', ['[a = b]']],
    ['as a display in one line', '\\[ a = b \\]', ['[a = b]']],
    ['as a display with dollars in one line', 'x\n\n$$a = b$$\n\ny', ['[a = b]']],
    ['as a display with dollars over lines', '$$\na\n\\\\\nb\n$$', ['[a\n\\\\\nb]']],
    ['as a display that begins beside its mark', '$$a\n= b$$', ['[a\n= b]']],
    ['as a display in a list', '1. so\n   \\[\n   a\n   \\]\n', ['[a]']],
    ['as a display between words', 'so \\[a\\] is', ['a']],
    ['in a table', '| $a$ | \\(b\\) |\n| - | - |', ['a', 'b']],
    ['beside code', '`$a$` and $b$', ['b']],
    ['beside Chinese', '若$x$为\\(y\\)。', ['x', 'y']],
    [
      'with a dollar in them',
      'Pay \\(\\$100 \\times 1.05\\). So $\\$5 + \\$3 = \\$8$ in all.',
      ['\\$100 \\times 1.05', '\\$5 + \\$3 = \\$8'],
    ],
    ['as a display with a dollar in it', '\\[ P = \\$100 \\cdot 1.05 \\]', ['[P = \\$100 \\cdot 1.05]']],
    ['with a formula in their words', '\\(\\text{for \\(n\\) even}\\)', ['\\text{for \\(n\\) even}']],
    [
      'with a line end before a bracket',
      '\\(\\begin{matrix}a\\\\(b)\\end{matrix}\\)',
      ['\\begin{matrix}a\\\\(b)\\end{matrix}'],
    ],
    [
      'as a bare environment',
      '\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}',
      ['[\\begin{align}\na &= b \\\\\n- c &= d\n\\end{align}]'],
    ],
    ['as a bare environment between words', 'so \\begin{align}a\\end{align} is', ['[\\begin{align}a\\end{align}]']],
    ['of chemistry', 'Water is \\ce{H2O}, $\\ce{CO2}$ a gas.', ['\\ce{H2O}', '\\ce{CO2}']],
    ['with a dollar between two', '$$a$b$$', ['[a$b]']],
    ['after dollars that are none', 'The pid is $$ here.\n\n$$\na\n$$\n', ['[a]']],
  ])('are recognised %s', (_, text, found) => expect(formulas(text)).toEqual(found));

  it.each([
    ['money', 'It costs $5, not $10, or $1.50 for $2.'],
    ['a range of money', '$5-$10'],
    ['a replacement', "replace(/a/, '$1') and $2$3"],
    ['names in a shell', 'echo $HOME/$USER and $PATH'],
    ['process ids in a shell', 'echo $$ and then kill $$ now, or file.$$.tmp and $$.log'],
    ['process ids at the beginning of a line', '$$ is the pid of the shell.\n\nIt is **not** a formula.'],
    ['an escaped mark', 'a \\$b\\$ c'],
    ['an escaped backslash', 'a \\\\(b\\\\) c'],
    ['code in a line', 'use `\\(x\\)` or ``a ` $x$``'],
    ['a fence', '```tex\n\\[ a \\]\n$x$\n```'],
    ['a fence in a list', '- see\n  ~~~\n  $x$\n  ~~~\n'],
    ['a fence that is still open', '```sh\necho $x $y$'],
    ['indented code', '    echo $x$ \\(a\\)\n'],
    ['what has no end', 'so \\(a^2 and \\[ b and $c'],
    ['what another paragraph would end', 'so \\(a\n\nb\\)'],
    ['an empty display', '$$$$'],
    ['escaped brackets without words', '\\[ \\]'],
    ['commands of a document', '\\begin{document} x \\end{document}'],
  ])('are not recognised in %s', (_, text) => expect(formulas(text)).toEqual([]));

  it('are not recognised above the maximum length', () => {
    expect(formulas(`\\(${'a'.repeat(3_000)}\\)`)).toEqual([]);
  });

  it.each([
    ['\\[\na = ', '[a =]'],
    ['$$\na = ', '[a =]'],
    ['$$a = ', '[a =]'],
    ['\\begin{align}\na &= ', '[\\begin{align}\na &=]'],
  ])('are recognised before their end while the text grows: %j', (text, found) => {
    expect(formulas(text, true)).toEqual([found]);
  });
});
