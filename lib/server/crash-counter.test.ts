import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordStart } from '#lib/server/crash-counter';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const MINUTE = 60_000;
const PORT = 3000;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'past-starts-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const exits = (now: number, port = PORT) => recordStart(directory, port, now).uncleanExits;
const write = (starts: object[], port = PORT) =>
  writeFileSync(join(directory, `starts-${port}.json`), JSON.stringify(starts));

/** The pid of a process that has exited. */
function exitedProcess(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('crash counter', () => {
  it('counts starts without a shutdown, each port separately', () => {
    expect(exits(NOW)).toBe(0);
    expect(exits(NOW + MINUTE)).toBe(1);
    expect(exits(NOW + 2 * MINUTE)).toBe(2);
    expect(exits(NOW + 2 * MINUTE, PORT + 1)).toBe(0);
  });

  it('does not count starts with a shutdown', () => {
    const first = recordStart(directory, PORT, NOW);
    first.markCleanExit();
    expect(exits(NOW + MINUTE)).toBe(0);
    recordStart(directory, PORT, NOW + 2 * MINUTE).markCleanExit();
    expect(exits(NOW + 3 * MINUTE)).toBe(1);
  });

  it('counts each worker of a port separately', () => {
    const starts = [1, 2].map((worker) => recordStart(directory, PORT, NOW, worker));
    expect(readdirSync(directory).sort()).toEqual(['starts-3000-1.json', 'starts-3000-2.json']);
    starts[0]?.markCleanExit();
    const next = [1, 2, undefined].map((worker) => recordStart(directory, PORT, NOW + MINUTE, worker));
    expect(next.map(({ uncleanExits }) => uncleanExits)).toEqual([0, 1, 0]);
  });

  it('removes its file when all were shut down', () => {
    recordStart(directory, PORT, NOW).markCleanExit();
    expect(readdirSync(directory)).toEqual([]);
  });

  it('does not count a running server', () => {
    write([{ pid: process.ppid, startedAt: NOW - MINUTE }]);
    expect(exits(NOW)).toBe(0);
    write([{ pid: exitedProcess(), startedAt: NOW - MINUTE }]);
    expect(exits(NOW)).toBe(1);
  });

  it('counts for an hour, and not after the clock was set back', () => {
    const pid = exitedProcess();
    write([
      { pid, startedAt: NOW - 61 * MINUTE },
      { pid, startedAt: NOW - 59 * MINUTE },
      { pid, startedAt: NOW + MINUTE },
    ]);
    expect(exits(NOW)).toBe(1);
  });

  it('writes at most a hundred starts', () => {
    for (let start = 0; start < 130; start += 1) exits(NOW + start);
    expect(exits(NOW + 1000)).toBe(100);
  });

  it.each(['', '{', 'null', '{"pid":1}', '[{"pid":"1","startedAt":0}]'])('reads a file with %j as empty', (text) => {
    writeFileSync(join(directory, `starts-${PORT}.json`), text);
    expect(exits(NOW)).toBe(0);
    expect(exits(NOW + 1)).toBe(1);
  });

  it('counts nothing if the folder is not writable, and does not throw', () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    const start = recordStart(join(file, 'below'), PORT, NOW);
    expect(start.uncleanExits).toBe(0);
    start.markCleanExit();
  });

  it('removes the files of ports that are no longer used', () => {
    write([{ pid: 1, startedAt: NOW }], 4000);
    write([{ pid: 1, startedAt: NOW }], 5000);
    writeFileSync(join(directory, 'other.json'), '');
    const old = (NOW - 61 * MINUTE) / 1000;
    for (const name of ['starts-4000.json', 'other.json']) utimesSync(join(directory, name), old, old);
    utimesSync(join(directory, 'starts-5000.json'), NOW / 1000, NOW / 1000);
    exits(NOW);
    expect(readdirSync(directory).sort()).toEqual(['other.json', `starts-${PORT}.json`, 'starts-5000.json']);
  });
});
