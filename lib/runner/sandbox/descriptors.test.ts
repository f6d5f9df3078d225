import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { PipePool } from '#lib/runner/sandbox/descriptors';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
const pool = new PipePool();
const opened = new Set<number>();
afterEach(() => {
  for (const fd of opened) closeSync(fd);
  opened.clear();
});

/** As another process has it open that was handed it. */
function alsoHeld(fd: number, flags: number): () => void {
  const held = openSync(`/proc/self/fd/${fd}`, flags | O_NONBLOCK);
  opened.add(held);
  return () => {
    closeSync(held);
    opened.delete(held);
  };
}

function whatIsIn(fd: number): string {
  const buffer = Buffer.alloc(100);
  try {
    return buffer.toString('latin1', 0, readSync(fd, buffer));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return '';
    throw error;
  }
}

function close(ends: { reader: number; writer: number; release: () => void }): void {
  closeSync(ends.reader);
  closeSync(ends.writer);
  ends.release();
}

it('gives out no pipe whose writer is not gone yet, with what that has written in it', () => {
  const first = pool.open();
  writeSync(first.writer, 'of the first run');
  const letGo = alsoHeld(first.writer, O_WRONLY);
  close(first);
  const second = pool.open();
  expect(whatIsIn(second.reader)).toBe('');
  letGo();
  close(second);
});

it('gives out no pipe that somebody who was to read still has', () => {
  const first = pool.openInput();
  writeSync(first.writer, 'for the first run');
  const letGo = alsoHeld(first.reader, O_RDONLY);
  close(first);
  const second = pool.openInput();
  writeSync(second.writer, 'for the second');
  expect(whatIsIn(second.reader)).toBe('for the second');
  letGo();
  close(second);
});

it('gives out what was held when it no longer is', () => {
  const own = new PipePool();
  // One batch: all of them are open, and all are given back, one of them too early.
  const all = Array.from({ length: 8 }, () => own.open());
  const letGo = alsoHeld(all[0]?.writer ?? -1, O_WRONLY);
  for (const ends of all) close(ends);
  expect(own.made).toBe(8);
  const seven = Array.from({ length: 7 }, () => own.open());
  expect(own.made).toBe(8);
  letGo();
  const eighth = own.open();
  expect(own.made).toBe(8);
  for (const ends of [...seven, eighth]) close(ends);
  own.close();
});
