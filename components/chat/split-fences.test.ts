import { describe, expect, it } from 'vitest';
import { outputFence } from '../code-run/output-fence.ts';
import { splitFences } from './split-fences.ts';

describe('splitFences', () => {
  it('leaves a question without a closed fence as it is', () => {
    for (const text of ['Why?', 'a\n```\nb', 'inline ```code``` only'])
      expect(splitFences(text)).toEqual([{ type: 'text', text }]);
  });

  it('separates code from the prose around it', () => {
    expect(splitFences('Explain:\n\n```py title\nprint(1)\n\n  x\n```\n\nThanks')).toEqual([
      { type: 'text', text: 'Explain:' },
      { type: 'code', text: 'print(1)\n\n  x' },
      { type: 'text', text: 'Thanks' },
    ]);
  });

  it('names the program of an output', () => {
    expect(splitFences(outputFence('main.py · exit 1', 'KeyError'))).toEqual([
      { type: 'code', text: 'KeyError', output: 'main.py · exit 1' },
    ]);
  });

  it('closes a fence with at least as many of the same marks', () => {
    expect(splitFences('~~~~\n```\n~~~\n~~~~')).toEqual([{ type: 'code', text: '```\n~~~' }]);
  });
});
