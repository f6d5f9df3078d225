import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoundedOutput, truncateToBytes } from '#lib/runner/bounded-output';

function feed(limit: number, chunks: Buffer[]) {
  const pieces: string[] = [];
  const output = new BoundedOutput(limit, (text) => pieces.push(text));
  for (const chunk of chunks) output.write(chunk);
  output.end();
  return { output, streamed: pieces.join('') };
}

function split(bytes: Buffer, sizes: number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const size of sizes) {
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return [...chunks, bytes.subarray(at)];
}

describe('BoundedOutput', () => {
  it('gives text back whole, wherever it was cut on its way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(fc.nat(7)), (text, sizes) => {
        const { output, streamed } = feed(1_000_000, split(Buffer.from(text), sizes));
        expect(output.text).toBe(text);
        expect(streamed).toBe(text);
        expect(output.overflowed).toBe(false);
      }),
    );
  });

  it('keeps at most its bound, a whole beginning of what was written, and says so where there was more', () => {
    const anything = fc.oneof(fc.string({ unit: 'binary' }).map(Buffer.from), fc.uint8Array().map(Buffer.from));
    fc.assert(
      fc.property(anything, fc.array(fc.nat(5)), fc.nat(40), (bytes, sizes, limit) => {
        const whole = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        const { output, streamed } = feed(limit, split(bytes, sizes));
        expect(Buffer.byteLength(output.text)).toBeLessThanOrEqual(limit);
        expect(whole.startsWith(output.text)).toBe(true);
        expect(streamed).toBe(output.text);
        expect(output.overflowed).toBe(Buffer.byteLength(whole) > limit);
        // Not more than one character is lost to the boundary.
        if (output.overflowed) expect(Buffer.byteLength(output.text)).toBeGreaterThan(limit - 4);
      }),
    );
  });

  it('refuses everything after its bound', () => {
    const output = new BoundedOutput(4);
    expect(output.write(Buffer.from('abcd'))).toBe(true);
    expect(output.write(Buffer.from('e'))).toBe(false);
    expect(output.write(Buffer.from(''))).toBe(false);
    expect(output.text).toBe('abcd');
  });
});

describe('cutToBytes', () => {
  it.each([
    ['aé', 2, 'a'],
    ['aé', 3, 'aé'],
    ['🦀', 3, ''],
    ['', 0, ''],
  ])('%s at %i bytes', (text, limit, cut) => expect(truncateToBytes(text, limit)).toBe(cut));
});
