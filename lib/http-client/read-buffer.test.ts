import { describe, expect, it } from 'vitest';
import { type ReadBuffer, ReadBufferPool } from '#lib/http-client/read-buffer';

const KB = 1024;

/** Retains a read of `length` bytes. */
function retained(buffer: ReadBuffer, length = buffer.bytes.length): () => void {
  buffer.setReadBytes(length);
  const release = buffer.retain();
  if (release === undefined) throw new Error('it is not retained');
  return release;
}

function sizeOf({ bytes }: ReadBuffer): number {
  return bytes.length / KB;
}

function large(buffers: ReadBufferPool): ReadBuffer {
  const first = buffers.acquire();
  first.setReadBytes(first.bytes.length);
  return buffers.next(first, true);
}

describe('the read buffer of a connection', () => {
  it('is reused if it is not retained', () => {
    const buffers = new ReadBufferPool();
    const first = buffers.acquire();
    expect(buffers.next(first, false)).toBe(first);
    retained(first)();
    expect(buffers.next(first, false)).toBe(first);
  });

  it('is never a retained one, which returns to the pool with its last release', () => {
    const buffers = new ReadBufferPool();
    const first = buffers.acquire();
    const done = [retained(first), retained(first)];
    const second = buffers.next(first, false);
    expect(second).not.toBe(first);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    done[0]?.();
    expect(buffers.acquire()).not.toBe(first);
    done[1]?.();
    expect(buffers.acquire()).toBe(first);
    // It is in use now.
    expect(buffers.acquire()).not.toBe(first);
  });

  it('may be retained again, and is not handed out while its connection uses it', () => {
    const buffers = new ReadBufferPool();
    const first = buffers.acquire();
    const done = retained(first);
    buffers.next(first, false);
    done();
    const again = buffers.acquire();
    retained(again)();
    expect([again, buffers.acquire() === again]).toEqual([first, false]);
    const doneAgain = retained(again);
    expect(buffers.next(again, false)).not.toBe(again);
    doneAgain();
    expect(buffers.acquire()).toBe(again);
  });

  it('is not retained for a small read', () => {
    const buffers = new ReadBufferPool();
    const first = buffers.acquire();
    for (const [buffer, enough] of [
      [first, 32 * KB],
      [large(buffers), 64 * KB],
    ] as const) {
      expect(buffer.retain()).toBeUndefined();
      buffer.setReadBytes(enough - 1);
      expect([buffer.retain(), buffer.isRetained]).toEqual([undefined, false]);
      retained(buffer, enough)();
    }
  });

  it('is large after a full one of the same response, as long as reads are large', () => {
    const buffers = new ReadBufferPool();
    const usual = buffers.acquire();
    usual.setReadBytes(64 * KB - 1);
    expect(buffers.next(usual, true)).toBe(usual);
    usual.setReadBytes(64 * KB);
    expect(buffers.next(usual, false)).toBe(usual);
    const grown = buffers.next(usual, true);
    expect([sizeOf(usual), sizeOf(grown)]).toEqual([64, 256]);
    grown.setReadBytes(64 * KB);
    expect(buffers.next(grown, true)).toBe(grown);
    grown.setReadBytes(64 * KB - 1);
    expect(buffers.next(grown, true)).toBe(usual);
    usual.setReadBytes(64 * KB);
    expect(buffers.next(usual, true)).toBe(grown);
    grown.setReadBytes(256 * KB);
    expect(sizeOf(buffers.next(grown, false))).toBe(64);
  });

  it('has a bounded number of large ones, retained ones included', () => {
    const buffers = new ReadBufferPool();
    const taken = Array.from({ length: 100 }, () => large(buffers));
    expect(taken.filter((buffer) => sizeOf(buffer) === 256)).toHaveLength(64);
    expect(sizeOf(taken.at(-1) ?? buffers.acquire())).toBe(64);
    for (const buffer of taken.slice(0, 3)) buffers.next(buffer, false);
    expect(Array.from({ length: 4 }, () => sizeOf(large(buffers)))).toEqual([256, 256, 256, 64]);
  });

  it('is kept as a spare in bounded numbers', () => {
    const buffers = new ReadBufferPool();
    const many = Array.from({ length: 40 }, () => buffers.acquire());
    const done = many.map((buffer) => retained(buffer));
    for (const buffer of many) buffers.next(buffer, false);
    for (const release of done) release();
    const again = Array.from({ length: 40 }, () => buffers.acquire());
    expect(again.filter((buffer) => many.includes(buffer))).toHaveLength(16);
  });
});
