import { describe, expect, it } from 'vitest';
import { packShared } from '#lib/chat/http/shared-parameters';

const long = (mark: string) => ({ tools: [{ name: mark, description: 'x'.repeat(2_000) }] });

describe('packed parameters', () => {
  it('share one copy among requests with equal long values', () => {
    const first = packShared(long('a'));
    expect(packShared(long('a'))).toBe(first);
    expect(packShared(long('b'))).not.toBe(first);
    expect(first.unpack()).toEqual(long('a'));
  });

  it('have a copy for each value that is longer than is shared', () => {
    expect(packShared(long('a'), 1_500)).not.toBe(packShared(long('a'), 1_500));
  });

  it('have a copy for each short value', () => {
    const first = packShared({ a: 1 });
    const second = packShared({ a: 1 });
    expect(second).not.toBe(first);
    expect(second.unpack()).toEqual({ a: 1 });
  });
});
