import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { descendants, endedChildrenMs, parseTicks, treeProcessorMs } from './process-tree.ts';

/** About 100 ms of processor time, and then its end. */
const SPIN = ['-e', 'const end = process.cpuUsage().user + 1e5; while (process.cpuUsage().user < end);'];
const ENOUGH_MS = 90;

describe('parseTicks', () => {
  const numbers = Array.from({ length: 50 }, (_, index) => index + 4).join(' ');

  it('reads user and system time, and those of ended children', () => {
    expect(parseTicks(`17 (node) S ${numbers}`)).toEqual({ own: 14 + 15, reaped: 16 + 17 });
  });

  it('takes brackets and spaces in a name for a part of it', () => {
    expect(parseTicks(`17 (a) b (c)) R ${numbers}`)).toEqual({ own: 14 + 15, reaped: 16 + 17 });
  });

  it('throws on another line', () => {
    expect(() => parseTicks('17 (node) S 1 2')).toThrow('not a line of');
  });
});

describe('processor time of a process tree', () => {
  it('counts children that have ended', () => {
    const [tree, ended] = [treeProcessorMs(process.pid), endedChildrenMs()];
    spawnSync(process.execPath, SPIN);
    expect(treeProcessorMs(process.pid) - tree).toBeGreaterThanOrEqual(ENOUGH_MS);
    expect(endedChildrenMs() - ended).toBeGreaterThanOrEqual(ENOUGH_MS);
  });

  it('counts children that still run, and theirs', async () => {
    const child = spawn('sh', ['-c', '"$0" "$@"; echo done; read line', process.execPath, ...SPIN]);
    await once(child.stdout, 'data');
    expect(descendants(process.pid)).toContain(child.pid);
    expect(treeProcessorMs(child.pid ?? 0)).toBeGreaterThanOrEqual(ENOUGH_MS);
    child.stdin.end('\n');
    await once(child, 'exit');
  });

  it('is nothing for a process that does not exist', () => {
    expect(treeProcessorMs(2 ** 30)).toBe(0);
  });
});
