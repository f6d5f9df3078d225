import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { type MarshalValue, toMarshal } from '#lib/languages/python/python-marshal';

function readByPython(value: MarshalValue): string {
  const program = 'import marshal, sys; print(ascii(marshal.loads(sys.stdin.buffer.read())))';
  return execFileSync('/usr/bin/python3', ['-c', program], { input: toMarshal(value), encoding: 'utf8' }).trim();
}

describe('toMarshal', () => {
  it('makes what Python reads as the same value', () => {
    const source = Buffer.from([0x23, 0xff, 0x0a, 0x00]);
    expect(readByPython([[['main.py', source]], ['', 'naïve 🙂']])).toBe(
      String.raw`((('main.py', b'#\xff\n\x00'),), ('', 'na\xefve \U0001f642'))`,
    );
    expect(readByPython([])).toBe('()');
  });

  it('encodes more than 255 elements', () => {
    const many = Array.from({ length: 70_000 }, (_, index) => `${index}`);
    const program =
      'import marshal, sys; t = marshal.loads(sys.stdin.buffer.read()); print(len(t), t[69999], len(t[0]))';
    const input = toMarshal(['x'.repeat(70_000), ...many.slice(1)]);
    const said = execFileSync('/usr/bin/python3', ['-c', program], { input, encoding: 'utf8' });
    expect(said.trim()).toBe('70000 69999 70000');
  });
});
