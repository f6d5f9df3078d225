import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromFragment, toFragment } from './program-link.ts';

describe('a program in a link', () => {
  it('round-trips every program', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record(
          {
            language: fc.string(),
            code: fc.string({ unit: 'grapheme' }),
            stdin: fc.string(),
            args: fc.string(),
            timeout: fc.integer({ min: 1, max: 60 }),
            name: fc.string(),
          },
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

  it('compresses repeated text', async () => {
    const fragment = await toFragment({ language: 'python', code: 'print("hello")\n'.repeat(1_000) });
    expect(fragment.length).toBeLessThan(500);
  });

  it('rejects a truncated or foreign fragment', async () => {
    const fragment = await toFragment({ language: 'python', code: 'print("hello, world, and all who live in it")' });
    for (const broken of ['', '#', '#c=1', '#program=', '#program=%%%', `#${fragment.slice(0, -12)}`])
      expect(await fromFragment(broken)).toBeUndefined();
  });

  it('rejects a fragment that inflates above the limit', async () => {
    const fragment = await toFragment({ language: 'python', code: 'x'.repeat(2_000_000) });
    expect(fragment.length).toBeLessThan(10_000);
    expect(await fromFragment(fragment)).toBeUndefined();
  });
});
