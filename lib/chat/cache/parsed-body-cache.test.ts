import { describe, expect, it, vi } from 'vitest';
import { ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('ParsedBodyCache', () => {
  it('parses the same bytes once, and other bytes again', () => {
    const parse = vi.fn((body: Uint8Array) => ({ text: new TextDecoder().decode(body) }));
    const recent = new ParsedBodyCache<{ text: string }>();
    for (const text of ['é', 'e', 'é', 'Ã©']) expect(recent.get(bytes(text), parse)).toEqual({ text });
    expect(parse).toHaveBeenCalledTimes(3);
  });

  it('does not cache errors or long bodies', () => {
    const recent = new ParsedBodyCache<object>();
    const fails = () => {
      throw new Error('bad');
    };
    expect(() => recent.get(bytes('x'), fails)).toThrow('bad');
    const parse = vi.fn(() => ({}));
    recent.get(bytes('x'), parse);
    for (let n = 0; n < 2; n += 1) recent.get(bytes('x'.repeat(17_000)), parse);
    expect(parse).toHaveBeenCalledTimes(3);
  });

  it('holds thousands of questions, the most recent ones', () => {
    const recent = new ParsedBodyCache<object>();
    const parse = vi.fn(() => ({}));
    const body = (n: number) => bytes(`question ${n} ${'x'.repeat(1_000)}`);
    for (let n = 0; n < 5_000; n += 1) recent.get(body(n), parse);
    recent.get(body(0), parse);
    expect(parse).toHaveBeenCalledTimes(5_000);
    for (let n = 5_000; n < 20_000; n += 1) recent.get(body(n), parse);
    recent.get(body(19_999), parse);
    expect(parse).toHaveBeenCalledTimes(20_000);
    recent.get(body(1), parse);
    expect(parse).toHaveBeenCalledTimes(20_001);
  });

  it('is bounded by the size of the results', () => {
    const recent = new ParsedBodyCache<object>();
    const parse = vi.fn(() => ({ list: Array.from({ length: 10_000 }, () => ({})) }));
    for (let n = 0; n < 100; n += 1) recent.get(bytes(String(n)), parse);
    recent.get(bytes('99'), parse);
    expect(parse).toHaveBeenCalledTimes(100);
    recent.get(bytes('50'), parse);
    expect(parse).toHaveBeenCalledTimes(101);
  });
});
