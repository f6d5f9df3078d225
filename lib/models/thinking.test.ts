import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelEvent } from '#lib/models/provider';
import { splitThinking, ThinkSplitter } from '#lib/models/thinking';

/** Runs of one type joined: what a reader sees, whatever the chunks were. */
function split(chunks: string[]): [type: string, text: string][] {
  const splitter = new ThinkSplitter();
  const runs: [string, string][] = [];
  for (const { type, text } of [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()]) {
    const last = runs.at(-1);
    if (last?.[0] === type) last[1] += text;
    else runs.push([type, text]);
  }
  return runs;
}

/** Text dense in tags and in pieces of tags. */
const text = fc
  .array(fc.constantFrom('<think>', '</think>', '<', '</', '<thi', 'nk>', ' ', '\n', 'é', '🦀', 'word'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

function cutAt(whole: string, places: number[]): string[] {
  const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length];
  return cuts.slice(1).map((end, index) => whole.slice(cuts[index], end));
}

describe('ThinkSplitter', () => {
  it('splits reasoning from the answer', () => {
    expect(split(['<think>\nTwo and two.\n</think>\n\nFour.'])).toEqual([
      ['thinking', 'Two and two.\n'],
      ['content', 'Four.'],
    ]);
    expect(split(['<think>\n\n</think>\n\nFour.'])).toEqual([['content', 'Four.']]);
    expect(split(['<think>never closed'])).toEqual([['thinking', 'never closed']]);
  });

  it('lets what only looks like a tag through, at once or at the end', () => {
    const splitter = new ThinkSplitter();
    expect(splitter.push('a <thin')).toEqual([{ type: 'content', text: 'a ' }]);
    expect(splitter.push('g> b <')).toEqual([{ type: 'content', text: '<thing> b ' }]);
    expect(splitter.end()).toEqual([{ type: 'content', text: '<' }]);
  });

  it('gives the same for any split of the same text', () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(), { maxLength: 40 }), (whole, places) => {
        expect(split(cutAt(whole, places))).toEqual(split([whole]));
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves text without an opening tag byte for byte', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat()), (whole, places) => {
        fc.pre(!whole.includes('<think>'));
        expect(
          split(cutAt(whole, places))
            .map(([, part]) => part)
            .join(''),
        ).toBe(whole);
      }),
    );
  });
});

describe('splitThinking', () => {
  it('keeps its hands off where the provider sends thinking of its own', async () => {
    const events: ModelEvent[] = [
      { type: 'thinking', text: 'hm' },
      { type: 'content', text: 'The tag <think> is' },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    ];
    expect(await Array.fromAsync(splitThinking(stream(events)))).toEqual(events);
  });

  it('gives what it held back before the end', async () => {
    const events: ModelEvent[] = [
      { type: 'content', text: '1 <' },
      { type: 'done', done_reason: 'stop', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    ];
    expect((await Array.fromAsync(splitThinking(stream(events)))).slice(0, 2)).toEqual([
      { type: 'content', text: '1 ' },
      { type: 'content', text: '<' },
    ]);
  });
});

async function* stream(events: ModelEvent[]): AsyncGenerator<ModelEvent> {
  yield* events;
}
