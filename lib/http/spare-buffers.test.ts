import { describe, expect, it } from 'vitest';
import { SpareBuffers } from '#lib/http/spare-buffers';
import { MIB } from '#lib/units';

/** Spares with these sizes, recycled in this order. */
function spares(...sizes: number[]): SpareBuffers {
  const buffers = new SpareBuffers(100);
  for (const size of sizes) {
    const memory = new ArrayBuffer(size);
    buffers.own(memory);
    buffers.recycle(memory);
  }
  return buffers;
}

describe('SpareBuffers', () => {
  it('gives the smallest spare that is large enough, once', () => {
    const buffers = spares(400, 200, 300);
    expect([buffers.take(201)?.byteLength, buffers.take(201)?.byteLength, buffers.take(201)]).toEqual([
      300,
      400,
      undefined,
    ]);
    expect(buffers.take(101)?.byteLength).toBe(200);
  });

  it('keeps four, the largest ones', () => {
    const buffers = spares(200, 300, 400, 500, 600, 700);
    expect(buffers.count).toBe(4);
    expect(buffers.take(101)?.byteLength).toBe(400);
  });

  it('keeps neither small nor very large buffers, and lends none for small needs', () => {
    expect(spares(100, MIB + 1).count).toBe(0);
    expect(spares(MIB).take(100)).toBeUndefined();
  });

  it('takes only memory that it may, and the same memory once', () => {
    const buffers = new SpareBuffers(100);
    const memory = new ArrayBuffer(200);
    buffers.recycle(memory);
    expect(buffers.count).toBe(0);
    buffers.own(memory);
    buffers.recycle(memory);
    buffers.recycle(memory);
    expect(buffers.count).toBe(1);
  });
});
