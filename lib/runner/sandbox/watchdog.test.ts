import { describe, expect, it } from 'vitest';
import { connectionBytes } from './watchdog.ts';

const LARGEST = 6 * 1024 * 1024;

/** A line of /proc/net/tcp. */
function line(state: string, sending: string, receiving: string): string {
  return `   7: 0100007F:A2C4 0100007F:9E1F ${state} ${sending}:${receiving} 00:00000000 00000000  1000        0 4711 1 0 20 4 0 10 -1`;
}

describe('connectionBytes', () => {
  it('counts both queues twice, for the overhead of packets', () => {
    expect(connectionBytes([line('01', '00000010', '00000020')], LARGEST)).toBe(2 * (16 + 32));
  });

  it('counts connections beyond 32 with 32 KiB each, and closed ones not at all', () => {
    const open = Array.from({ length: 40 }, () => line('01', '00000000', '00000000'));
    const closed = Array.from({ length: 1000 }, () => line('06', '00000000', '00000000'));
    expect(connectionBytes([...open, ...closed], LARGEST)).toBe(8 * 32 * 1024);
  });

  it.each([
    ['that opens', '02', 'D43F0A11'],
    ['whose counters were read in the wrong order', '01', 'FFFFFFFF'],
  ])('ignores the impossible queue of a connection %s', (_, state, sending) => {
    expect(connectionBytes([line(state, sending, '00000000')], LARGEST)).toBe(0);
  });

  it('counts a queue as large as a socket can have', () => {
    expect(connectionBytes([line('01', '00600000', '00000000')], LARGEST)).toBe(2 * LARGEST);
  });
});
