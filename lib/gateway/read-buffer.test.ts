import { describe, expect, it } from 'vitest';
import { type ReadBuffer, ReadBuffers } from '#lib/gateway/read-buffer';

const KB = 1024;

/** As a connection does: all of `buffer` was read into, or as much as said. */
function held(buffer: ReadBuffer, length = buffer.bytes.length): () => void {
  buffer.fill(length);
  const release = buffer.hold();
  if (release === undefined) throw new Error('it is not kept');
  return release;
}

function sizeOf({ bytes }: ReadBuffer): number {
  return bytes.length / KB;
}

function large(buffers: ReadBuffers): ReadBuffer {
  const first = buffers.first();
  first.fill(first.bytes.length);
  return buffers.next(first, true);
}

describe('what a connection reads into', () => {
  it('is the same again where nobody holds it', () => {
    const buffers = new ReadBuffers();
    const first = buffers.first();
    expect(buffers.next(first, false)).toBe(first);
    held(first)();
    expect(buffers.next(first, false)).toBe(first);
  });

  it('is never what somebody holds, and serves again when all of them are done', () => {
    const buffers = new ReadBuffers();
    const first = buffers.first();
    const done = [held(first), held(first)];
    const second = buffers.next(first, false);
    expect(second).not.toBe(first);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    done[0]?.();
    expect(buffers.first()).not.toBe(first);
    done[1]?.();
    expect(buffers.first()).toBe(first);
    // Once only: it is somebody's now.
    expect(buffers.first()).not.toBe(first);
  });

  it('may be held again by whom it serves next, and is not given out while its connection has it', () => {
    const buffers = new ReadBuffers();
    const first = buffers.first();
    const done = held(first);
    buffers.next(first, false);
    done();
    const again = buffers.first();
    held(again)();
    expect([again, buffers.first() === again]).toEqual([first, false]);
    const doneAgain = held(again);
    expect(buffers.next(again, false)).not.toBe(again);
    doneAgain();
    expect(buffers.first()).toBe(again);
  });

  it('is not held for the sake of little', () => {
    const buffers = new ReadBuffers();
    const first = buffers.first();
    for (const [buffer, enough] of [
      [first, 32 * KB],
      [large(buffers), 64 * KB],
    ] as const) {
      expect(buffer.hold()).toBeUndefined();
      buffer.fill(enough - 1);
      expect([buffer.hold(), buffer.isHeld]).toEqual([undefined, false]);
      held(buffer, enough)();
    }
  });

  it('is large behind a full one of the same answer, as long as much comes', () => {
    const buffers = new ReadBuffers();
    const usual = buffers.first();
    usual.fill(64 * KB - 1);
    expect(buffers.next(usual, true)).toBe(usual);
    usual.fill(64 * KB);
    expect(buffers.next(usual, false)).toBe(usual);
    const grown = buffers.next(usual, true);
    expect([sizeOf(usual), sizeOf(grown)]).toEqual([64, 256]);
    grown.fill(64 * KB);
    expect(buffers.next(grown, true)).toBe(grown);
    grown.fill(64 * KB - 1);
    expect(buffers.next(grown, true)).toBe(usual);
    usual.fill(64 * KB);
    expect(buffers.next(usual, true)).toBe(grown);
    grown.fill(256 * KB);
    expect(sizeOf(buffers.next(grown, false))).toBe(64);
  });

  it('is large for so many only, whatever is held; the others go on with the usual size', () => {
    const buffers = new ReadBuffers();
    const taken = Array.from({ length: 100 }, () => large(buffers));
    expect(taken.filter((buffer) => sizeOf(buffer) === 256)).toHaveLength(64);
    expect(sizeOf(taken.at(-1) ?? buffers.first())).toBe(64);
    for (const buffer of taken.slice(0, 3)) buffers.next(buffer, false);
    expect(Array.from({ length: 4 }, () => sizeOf(large(buffers)))).toEqual([256, 256, 256, 64]);
  });

  it('is kept for later in small numbers only', () => {
    const buffers = new ReadBuffers();
    const many = Array.from({ length: 40 }, () => buffers.first());
    const done = many.map((buffer) => held(buffer));
    for (const buffer of many) buffers.next(buffer, false);
    for (const release of done) release();
    const again = Array.from({ length: 40 }, () => buffers.first());
    expect(again.filter((buffer) => many.includes(buffer))).toHaveLength(16);
  });
});
