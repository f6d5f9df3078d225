import { describe, expect, it } from 'vitest';
import { highlight, languageName } from '#lib/client/highlight';

describe('highlight', () => {
  it.each([
    ['py', 'def f(x):\n    return "é"  # why\n\n'],
    ['ts', 'const a: string = `x`;\n// c'],
    ['c++', '#include <x>\nint main() { return 0; }'],
    ['go', 'package main\nfunc main() {}'],
    ['rs', 'fn main() { println!("x"); }'],
    ['java', 'class A { int x = 1; }'],
    ['json', '{"a": [1, true, null]}'],
    ['html', '<p class="x">y</p>'],
    ['bash', 'echo "$HOME" | grep x'],
    ['python', 'def broken(:\n  """ never closed'],
  ])('colours %s and changes no character', async (language, code) => {
    const pieces = await highlight(code, language);
    expect(pieces?.map((piece) => piece.text).join('')).toBe(code);
    expect(pieces?.some((piece) => piece.className.includes('tok-'))).toBe(true);
  });

  it('leaves alone what it does not know, and what is too long', async () => {
    expect(await highlight('x', 'brainfuck')).toBeUndefined();
    expect(await highlight('x'.repeat(100_000), 'python')).toBeUndefined();
    expect(languageName('PY')).toBe('python');
    expect(languageName('Elixir')).toBe('elixir');
  });
});
