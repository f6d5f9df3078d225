import { describe, expect, it } from 'vitest';
import { StdoutHeader } from '#lib/runner/stdout-header';

function preface(content: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(Buffer.byteLength(content));
  return Buffer.concat([head, Buffer.from(content)]);
}

function take(chunks: readonly Buffer[], isWanted = true) {
  const kept: string[] = [];
  let output = '';
  const taken = new StdoutHeader(
    (content) => kept.push(content.toString()),
    (chunk) => {
      output += chunk.toString();
      return isWanted;
    },
  );
  return { accepted: chunks.map((chunk) => taken.write(chunk)), kept, output };
}

describe('what comes before the output of a program', () => {
  const all = Buffer.concat([preface('made'), preface('like it'), Buffer.from('the rest')]);

  it.each(Array.from({ length: all.byteLength + 1 }, (_, at) => at))(
    'is separated from the output when cut at byte %i',
    (at) => {
      const { kept, output } = take([all.subarray(0, at), all.subarray(at)]);
      expect(kept).toEqual(['made']);
      expect(output).toBe('\0\0\0\u0007like itthe rest');
    },
  );

  it('is split off byte by byte', () => {
    const { kept, output } = take(Array.from(all, (byte) => Buffer.of(byte)));
    expect(kept).toEqual(['made']);
    expect(output).toBe('\0\0\0\u0007like itthe rest');
  });

  it('is nothing to be kept where it is empty', () => {
    expect(take([preface(''), Buffer.from('out')])).toEqual({ accepted: [true, true], kept: [], output: 'out' });
  });

  it('hands on that no more output is wanted', () => {
    expect(take([preface('made'), Buffer.from('out')], false).accepted).toEqual([true, false]);
    expect(take([Buffer.concat([preface('made'), Buffer.from('out')])], false).accepted).toEqual([false]);
  });

  it('is refused before it is held where it is too long, and kept where it just fits', () => {
    const head = Buffer.alloc(4);
    head.writeUInt32BE(1024 * 1024 - 3);
    expect(take([head])).toEqual({ accepted: [false], kept: [], output: '' });
    const { kept } = take([preface('x'.repeat(1024 * 1024 - 4))]);
    expect(kept.map((content) => content.length)).toEqual([1024 * 1024 - 4]);
  });

  it('is not kept by half', () => {
    expect(take([all.subarray(0, 7)])).toEqual({ accepted: [true], kept: [], output: '' });
  });
});
