import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenMask } from '#lib/gateway/token-mask';

const TOKEN = 'hf_abcabcd';
const STARS = '*'.repeat(TOKEN.length);

function masked(chunks: readonly string[], token = TOKEN): string[] {
  const mask = new TokenMask(token).body();
  if (mask === undefined) throw new Error('there is a token');
  return [...chunks.map((chunk) => mask.push(Buffer.from(chunk, 'latin1'))), mask.end()].map((part) =>
    part.toString('latin1'),
  );
}

describe('TokenMask', () => {
  it('masks every occurrence in a text', () => {
    expect(new TokenMask(TOKEN).text(`a${TOKEN}${TOKEN}b`)).toBe(`a${STARS}${STARS}b`);
    expect(new TokenMask(undefined).text('Bearer x')).toBe('Bearer x');
    expect(new TokenMask(undefined).body()).toBeUndefined();
  });

  it('returns a chunk without the token itself', () => {
    const chunk = Buffer.from('data: nothing\n\n');
    expect(new TokenMask(TOKEN).body()?.push(chunk)).toBe(chunk);
  });

  it('does not change its input', () => {
    const chunk = Buffer.from(`x${TOKEN}`);
    new TokenMask(TOKEN).body()?.push(chunk);
    expect(chunk.toString()).toBe(`x${TOKEN}`);
  });

  it('sends short prefixes of the token and other bytes at once', () => {
    expect(masked(['oh', ' my'])).toEqual(['oh', ' my', '']);
    expect(masked(['data: h', '!'])).toEqual(['data: h', '!', '']);
  });

  it('holds a prefix of the token until the next chunk decides it', () => {
    expect(masked(['x hf_abc', 'ab', 'cd y'])).toEqual(['x ', '', `${STARS} y`, '']);
    expect(masked(['x hf_abc', 'no'])).toEqual(['x ', 'hf_abcno', '']);
    expect(masked(['x hf_abc'])).toEqual(['x ', 'hf_abc']);
  });

  it('masks the rest of a token whose first bytes were sent', () => {
    expect(masked(['x hf', `${TOKEN.slice(2)} y`])).toEqual(['x hf', `${'*'.repeat(TOKEN.length - 2)} y`, '']);
    expect(masked(['h', 'f', '_', 'a', TOKEN.slice(4)]).join('')).toBe(`hf_${'*'.repeat(TOKEN.length - 3)}`);
  });

  it('keeps all lengths and other bytes, and sends at most the first three bytes of a token', () => {
    const piece = fc.oneof(
      fc.constantFrom(TOKEN, TOKEN.slice(0, 3), TOKEN.slice(0, 7), 'hf_', 'h', 'hhf_abc'),
      fc.string({ unit: 'grapheme-ascii', maxLength: 6 }),
    );
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(12), { maxLength: 20 }), (body, cuts) => {
        const chunks: string[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(body.slice(at, at + cut));
          at += cut;
        }
        chunks.push(body.slice(at));
        const out = masked(chunks).join('');
        expect(out.length).toBe(body.length);
        expect(out).not.toContain(TOKEN.slice(0, 4) + TOKEN.slice(4));
        const whole = body.replaceAll(TOKEN, STARS);
        for (let index = 0; index < whole.length; index++)
          if (out[index] !== whole[index]) {
            // One of the first bytes of an occurrence, sent before it was recognized.
            const start = Math.max(0, index - 2);
            expect(body.slice(start, index + TOKEN.length)).toContain(TOKEN);
          }
      }),
      { numRuns: 2000 },
    );
  });

  it('finds a token that starts within a false prefix', () => {
    expect(masked(['hf_abchf_abc', 'abcd']).join('')).toBe(`hf_abc${STARS}`);
    expect(masked(['aaab', 'aaaab'], 'aaaab1').join('')).toBe('aaabaaaab');
  });
});
