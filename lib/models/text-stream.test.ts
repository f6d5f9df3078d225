import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedText, LineReader, MAX_PIECE_CHARACTERS } from '#lib/models/text-stream';

function lines(text: Uint8Array, places: number[]): string[] {
  const bytes = Buffer.from(text);
  const cuts = [...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  const reader = new LineReader();
  const found = cuts.flatMap((cut, index) => reader.push(bytes.subarray(cuts[index - 1] ?? 0, cut)));
  return [...found, ...reader.end()];
}

describe('LineReader', () => {
  it.each(['\n', '\r\n', '\r'])('yields the same lines for any split of the same bytes, with %j', (end) => {
    const transcript = fc.array(fc.json({ stringUnit: 'grapheme' }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(transcript, fc.array(fc.nat(), { maxLength: 60 }), fc.boolean(), (parts, places, last) => {
        const bytes = new TextEncoder().encode(parts.join(end) + (last ? end : ''));
        expect(lines(bytes, places)).toEqual(parts);
      }),
    );
  });

  it('decodes any bytes as a decoder of the whole does, for any split', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
      fc.constantFrom('\uFEFF', '\n', 'ascii').map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(fc.array(part), fc.array(fc.nat(), { maxLength: 20 }), (parts, places) => {
        const bytes = Buffer.concat(parts);
        const expected = new TextDecoder().decode(bytes).split(/\r\n|\r|\n/);
        if (expected.at(-1) === '') expected.pop();
        expect(lines(bytes, places)).toEqual(expected);
      }),
    );
  });

  it('keeps blank lines, and ignores a byte order mark', () => {
    expect(lines(new TextEncoder().encode('\uFEFFa\r\n\r\nb\n\n'), [1, 2, 5, 6])).toEqual(['a', '', 'b', '']);
  });

  it('reads an 8 MB line in 1 KB chunks in linear time', () => {
    const line = JSON.stringify({ text: '😀'.repeat(2 * 1024 * 1024) });
    const bytes = new TextEncoder().encode(`${line}\n{}\n`);
    const places = Array.from({ length: bytes.length >> 10 }, (_, index) => (index + 1) << 10);
    expect(lines(bytes, places)).toEqual([line, '{}']);
  });

  it('rejects an endless line', () => {
    const reader = new LineReader();
    const chunk = Buffer.alloc(1024 * 1024, 'a');
    for (let at = 0; at < MAX_PIECE_CHARACTERS / chunk.length; at++) reader.push(chunk);
    expect(() => reader.push(chunk)).toThrow('more than 10 MiB in one piece');
  });
});

describe('BoundedText', () => {
  it('rejects pieces above the limit, also empty ones', () => {
    const pieces = new BoundedText();
    pieces.add('x'.repeat(MAX_PIECE_CHARACTERS - 2));
    expect(() => {
      for (let at = 0; at < 2; at++) pieces.add('');
    }).toThrow('more than 10 MiB');
  });
});
