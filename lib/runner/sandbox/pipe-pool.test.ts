import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { afterAll, afterEach, expect, it } from 'vitest';
import { PipePool } from '#lib/runner/sandbox/pipe-pool';

const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
const pool = new PipePool();
const opened = new Set<number>();
afterEach(() => {
  for (const fd of opened) closeSync(fd);
  opened.clear();
});
afterAll(() => pool.close());

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

it('never reuses a pipe that a writer still has open', () => {
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
  // One batch: all of them are open, and all are given back, one of them too early.
  const all = Array.from({ length: 8 }, () => pool.open());
  const [early] = all;
  if (early === undefined) throw new Error('there are eight');
  const pipe = fstatSync(early.writer).ino;
  const letGo = alsoHeld(early.writer, O_WRONLY);
  for (const ends of all) close(ends);
  const seven = Array.from({ length: 7 }, () => pool.open());
  expect(seven.map(({ writer }) => fstatSync(writer).ino)).not.toContain(pipe);
  letGo();
  const eighth = pool.open();
  expect(fstatSync(eighth.writer).ino).toBe(pipe);
  for (const ends of [...seven, eighth]) close(ends);
});
