import { describe, expect, it } from 'vitest';
import { Arrivals, findStamps } from './stamp-readers.ts';

const FIRST = 1_764_498_000_123_456;
const SECOND = 1_764_498_000_143_456;
const event = (id: number, stamp: number) =>
  `id: ${id}\nevent: content\ndata: {"content":"t${stamp} ","done":false}\n\n`;

describe('findStamps', () => {
  it('finds the stamps of all events', () => {
    expect(findStamps(event(1, FIRST) + event(2, SECOND)).stampsUs).toEqual([FIRST, SECOND]);
  });

  it('finds each stamp once, wherever the text is cut', () => {
    const text = event(1, FIRST) + event(2, SECOND);
    for (let cut = 0; cut <= text.length; cut++) {
      const one = findStamps(text.slice(0, cut));
      const two = findStamps(one.tail + text.slice(cut));
      expect([...one.stampsUs, ...two.stampsUs], `cut at ${cut}`).toEqual([FIRST, SECOND]);
    }
  });

  it('takes no other text for a stamp', () => {
    expect(findStamps('data: {"content":"t1 t1764 at14 words","id":"t1abcdefghijklmno "}').stampsUs).toEqual([]);
  });
});

it('measures the time while it is open, and counts what is added', async () => {
  const arrivals = new Arrivals();
  arrivals.open();
  arrivals.add(1_500);
  await new Promise((resolve) => setTimeout(resolve, 30));
  arrivals.close();
  expect(arrivals.tokens).toBe(1);
  expect(arrivals.seconds).toBeGreaterThan(0.02);
});
