import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toVector, vectorBase64, vectorJson } from '#lib/models/embedding';

const singles = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });
const doubles = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });
/** JSON has no negative zero that survives a number. */
const plain = (numbers: readonly number[]) => numbers.map((number) => (Object.is(number, -0) ? 0 : number));

describe('a vector', () => {
  it('has the numbers that the server sent, whatever their precision', () => {
    fc.assert(
      fc.property(fc.oneof(singles, doubles), (numbers) => {
        const vector = toVector(plain(numbers));
        expect(vector).toBeDefined();
        if (vector !== undefined) expect(JSON.parse(vectorJson(vector))).toEqual(plain(numbers));
      }),
    );
  });

  it('takes 4 bytes a number where they are 32-bit floats, and 8 where they are not', () => {
    expect(toVector([0.5, Math.fround(0.1)])).toBeInstanceOf(Float32Array);
    expect(toVector([0.5, 0.1])).toBeInstanceOf(Float64Array);
  });

  it('is base64 of 32-bit floats, and is read from it', () => {
    fc.assert(
      fc.property(singles, (numbers) => {
        const vector = toVector(plain(numbers));
        if (vector === undefined) throw new Error('no vector');
        const text = vectorBase64(vector);
        expect(Buffer.from(text, 'base64').readFloatLE(0)).toBe(vector[0]);
        expect([...(toVector(text) ?? [])]).toEqual([...vector]);
      }),
    );
    expect(vectorBase64(Float64Array.of(0.1))).toBe(vectorBase64(Float32Array.of(0.1)));
  });

  it('has a bound', () => {
    expect(toVector(Array(65_536).fill(1))).toHaveLength(65_536);
    expect(toVector(Array(65_537).fill(1))).toBeUndefined();
    expect(toVector(Buffer.alloc(4 * 65_537).toString('base64'))).toBeUndefined();
  });

  it.each([[[]], [['1']], [[1, null]], [{}], [null], ['AAA='], [''], [[Number.NaN]], ['AADAfw==']])(
    'is not made of %j',
    (value) => {
      expect(toVector(value)).toBeUndefined();
    },
  );
});
