import { describe, expect, it } from 'vitest';
import { withDollarMath } from '#lib/client/math-marks';

describe('formulas', () => {
  it.each([
    ['in a line', 'so \\(a^2\\) is', 'so $$a^2$$ is'],
    ['with one dollar', 'so $a^2$ is, and $b$.', 'so $$a^2$$ is, and $$b$$.'],
    ['over a line break', 'so \\(a +\n b\\) is', 'so $$a + b$$ is'],
    ['as a display', '\\[\na = b\n\\]', '$$\na = b\n$$'],
    ['as a display in one line', '\\[ a = b \\]', '$$\na = b\n$$'],
    ['as a display with dollars in one line', 'x\n\n$$a = b$$\n\ny', 'x\n\n$$\na = b\n$$\n\ny'],
    ['as a display with dollars over lines', '$$\na\n\\\\\nb\n$$', '$$\na\n\\\\\nb\n$$'],
    ['as a display in a list', '1. so\n   \\[\n   a\n   \\]\n', '1. so\n   $$\n   a\n   $$\n'],
    ['as a display between words', 'so \\[a\\] is', 'so $$a$$ is'],
    ['in a table', '| $a$ | \\(b\\) |', '| $$a$$ | $$b$$ |'],
    ['beside code', '`$a$` and $b$', '`$a$` and $$b$$'],
  ])('%s are marked in one way', (_, text, marked) => expect(withDollarMath(text)).toBe(marked));

  it.each([
    ['money', 'It costs $5, not $10, or $1.50 for $2.'],
    ['a range of money', '$5-$10'],
    ['a replacement', "replace(/a/, '$1') and $2$3"],
    ['names in a shell', 'echo $HOME/$USER and $PATH'],
    ['an escaped mark', 'a \\$b\\$ c'],
    ['an escaped backslash', 'a \\\\(b\\\\) c'],
    ['code in a line', 'use `\\(x\\)` or ``a ` $x$``'],
    ['a fence', '```tex\n\\[ a \\]\n$x$\n```'],
    ['a fence in a list', '- see\n  ~~~\n  $x$\n  ~~~\n'],
    ['a fence that is still open', '```sh\necho $x $y$'],
    ['what has no end yet', 'so \\(a^2 and \\[ b and $c'],
    ['what another paragraph would end', 'so \\(a\n\nb\\)'],
    ['an empty display', '$$$$'],
  ])('are not seen in %s', (_, text) => expect(withDollarMath(text)).toBe(text));

  it('are not seen in what is too long for one', () => {
    const text = `\\(${'a'.repeat(3_000)}\\)`;
    expect(withDollarMath(text)).toBe(text);
  });
});
