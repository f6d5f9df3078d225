import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromFragment, toFragment } from './program-link.ts';

describe('a link to a program', () => {
  it('gives back every program as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          { language: fc.string(), code: fc.string({ unit: 'grapheme' }), stdin: fc.string(), args: fc.string() },
          { requiredKeys: ['language', 'code'] },
        ),
        async (program) => {
          const fragment = await toFragment(program);
          expect(fragment).toMatch(/^program=[\w-]*$/);
          expect(await fromFragment(`#${fragment}`)).toEqual(program);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is short for what repeats', async () => {
    const fragment = await toFragment({ language: 'python', code: 'print("hello")\n'.repeat(1_000) });
    expect(fragment.length).toBeLessThan(500);
  });

  it('is nothing where it was cut, or is not ours', async () => {
    const fragment = await toFragment({ language: 'python', code: 'print("hello, world, and all who live in it")' });
    for (const broken of ['', '#', '#c=1', '#program=', '#program=%%%', `#${fragment.slice(0, -12)}`])
      expect(await fromFragment(broken)).toBeUndefined();
  });

  it('is nothing where it would unpack to more than a program', async () => {
    const fragment = await toFragment({ language: 'python', code: 'x'.repeat(2_000_000) });
    expect(fragment.length).toBeLessThan(10_000);
    expect(await fromFragment(fragment)).toBeUndefined();
  });
});
