import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNestedTooDeep, MAX_JSON_DEPTH } from '#lib/wire/json-depth';

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number, core = '1') => '['.repeat(depth) + core + ']'.repeat(depth);

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('isNestedTooDeep', () => {
  it('agrees with the depth of the parsed value, for strings of any content', () => {
    const hostile = fc.string({ unit: fc.constantFrom('"', '\\', '[', '{', ']', '}', 'a', 'ä', '\n'), maxLength: 90 });
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 9, withCrossShrink: true },
        hostile,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(hostile, tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 12 }), fc.constantFrom(0, 2), (json, limit, indent) => {
        expect(isNestedTooDeep(bytes(JSON.stringify(json, null, indent)), limit)).toBe(depthOf(json) > limit);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [nested(MAX_JSON_DEPTH), false],
    [nested(MAX_JSON_DEPTH + 1), true],
    [nested(MAX_JSON_DEPTH + 1, `"${']'.repeat(500)}"`), true],
    [`{"a":${'{"a":'.repeat(MAX_JSON_DEPTH)}1${'}'.repeat(MAX_JSON_DEPTH)}}`, true],
    [JSON.stringify(nested(1_000)), false],
    [JSON.stringify('\\'.repeat(1_001) + nested(200)), false],
    [`["${'\\\\'.repeat(40)}",${nested(200)}]`, true],
    ['[1,'.repeat(300) + '2'.concat(']'.repeat(300)), true],
    [`"${'['.repeat(1_000)}`, false],
  ])('measures %s', (text, expected) => {
    expect(isNestedTooDeep(bytes(text))).toBe(expected);
  });

  it.each([nested(1, '"\\\\\\""'), '["\\"",', '"a",', `"${'\\\\'.repeat(60)}",`])(
    'takes time in proportion to the text, also for quotes and backslashes: %s',
    (unit) => {
      // CPU time, since other tests run at the same time, and the least of several.
      const took = (size: number) => {
        const text = bytes(unit.repeat(Math.ceil(size / unit.length)));
        return Math.min(
          ...Array.from({ length: 3 }, () => {
            const { user, system } = process.cpuUsage();
            isNestedTooDeep(text);
            const after = process.cpuUsage();
            return (after.user + after.system - user - system) / 1000;
          }),
        );
      };
      // Sixteen times as much; what is quadratic takes 256 times as long.
      expect(took(4_000_000)).toBeLessThan(100 * Math.max(1, took(250_000)));
    },
  );
});
