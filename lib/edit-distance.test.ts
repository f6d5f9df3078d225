import { describe, expect, it } from 'vitest';
import { editDistance } from '#lib/edit-distance';

describe('editDistance', () => {
  it('counts missing, added, changed and swapped letters', () => {
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('PROVDIER', 'PROVIDER')).toBe(1);
    expect(editDistance('', 'abc')).toBe(3);
  });
});
