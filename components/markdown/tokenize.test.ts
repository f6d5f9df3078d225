import { describe, expect, it } from 'vitest';
import { fenceLanguage } from './fence-names.ts';
import { SHIKI_GRAMMARS } from './shiki-grammars.ts';
import { tokenize } from './tokenize.ts';

/** The highlighted ranges as pairs of text and colour. */
async function marked(code: string, language: string): Promise<[string, string][]> {
  const ranges = (await tokenize(code, language)) ?? [];
  return ranges.map(({ start, end, colour }) => [code.slice(start, end).trim(), colour]);
}

describe('tokenize', () => {
  it.each([
    [
      'python',
      'def f(n):  # twice\n    return "x" * 2',
      [
        ['def', 'keyword'],
        ['f', 'name'],
        ['# twice', 'comment'],
        ['return', 'keyword'],
        ['"x"', 'string'],
        ['2', 'number'],
      ],
    ],
    [
      'typescript',
      'const a: number = 1; // one',
      [
        ['const', 'keyword'],
        ['1', 'number'],
        ['// one', 'comment'],
      ],
    ],
    [
      'java',
      'class A { int x = 5; }',
      [
        ['class', 'keyword'],
        ['A', 'type'],
        ['5', 'number'],
      ],
    ],
    [
      'cpp',
      '#include <map>\nint main() { return 0; }',
      [
        ['main', 'name'],
        ['return', 'keyword'],
        ['0', 'number'],
      ],
    ],
    [
      'go',
      'func main() { x := "hi" }',
      [
        ['func', 'keyword'],
        ['main', 'name'],
        ['"hi"', 'string'],
      ],
    ],
    [
      'rust',
      'fn main() { let x = 1u8; }',
      [
        ['fn', 'keyword'],
        ['main', 'name'],
        ['let', 'keyword'],
      ],
    ],
    [
      'sql',
      "SELECT 1 FROM t WHERE a = 'b'",
      [
        ['SELECT', 'keyword'],
        ["'b'", 'string'],
      ],
    ],
    [
      'json',
      '{"a": [1, true, "b"]}',
      [
        ['1', 'number'],
        ['true', 'number'],
        ['"b"', 'string'],
      ],
    ],
    [
      'diff',
      '-a\n+b',
      [
        ['-a', 'deleted'],
        ['+b', 'inserted'],
      ],
    ],
    [
      'shellscript',
      'echo "hi" # there',
      [
        ['"hi"', 'string'],
        ['# there', 'comment'],
      ],
    ],
  ])('finds tokens in %s', async (language, code, some) => {
    expect(await marked(code, language)).toEqual(expect.arrayContaining(some));
  });

  it('returns ranges in order, without overlap, and within the text', async () => {
    const code = 'const text = `a ${1 + 1} b`;\n/* 世界 🌍 */ class Ä extends B {}\n'.repeat(20);
    let end = 0;
    for (const mark of (await tokenize(code, 'typescript')) ?? []) {
      expect(mark.start).toBeGreaterThanOrEqual(end);
      expect(mark.end).toBeGreaterThan(mark.start);
      end = mark.end;
    }
    expect(end).toBeGreaterThan(code.length - 20);
    expect(end).toBeLessThanOrEqual(code.length);
  });

  it('returns undefined for an unknown language', async () => {
    expect(await tokenize('x', 'klingon')).toBeUndefined();
    expect(await tokenize('x', '__proto__')).toBeUndefined();
  });

  it.each(Object.keys(SHIKI_GRAMMARS))('loads the grammar of %s in the JavaScript engine', async (language) => {
    expect(await tokenize('a "b" 1\n', language)).toBeDefined();
  });
});

it.each([
  ['py', 'python'],
  ['C++', 'cpp'],
  ['SH', 'shellscript'],
  ['klingon', 'klingon'],
])('resolves the fence name %s to %s', (fence, name) => expect(fenceLanguage(fence)).toBe(name));
