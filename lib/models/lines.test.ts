import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeText, splitLines } from '#lib/models/lines';

async function* chunksOf(bytes: Uint8Array, places: number[]): AsyncGenerator<Uint8Array> {
  const cuts = [...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let from = 0;
  for (const cut of cuts) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

const lines = (bytes: Uint8Array, places: number[]) => Array.fromAsync(splitLines(decodeText(chunksOf(bytes, places))));

describe('splitLines over decodeText', () => {
  it('gives the same lines for any split of the same bytes', async () => {
    const transcript = fc.array(fc.json({ stringUnit: 'grapheme' }), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(transcript, fc.array(fc.nat(), { maxLength: 60 }), fc.boolean(), async (parts, places, last) => {
        const bytes = new TextEncoder().encode(parts.join('\r\n') + (last ? '\n' : ''));
        expect(await lines(bytes, places)).toEqual(parts);
      }),
    );
  });

  it('takes an 8 MB line in 64 KB chunks', async () => {
    const line = JSON.stringify({ text: '😀'.repeat(2 * 1024 * 1024) });
    const bytes = new TextEncoder().encode(`${line}\n{}\n`);
    const places = Array.from({ length: bytes.length >> 16 }, (_, index) => (index + 1) << 16);
    expect(await lines(bytes, places)).toEqual([line, '{}']);
  });
});
