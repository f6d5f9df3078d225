import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findCgroupDriver, parseMembership } from '#lib/runner/sandbox/cgroup';

const LIMITS = {
  wallMs: 1000,
  cpuSeconds: 1,
  memoryBytes: 128 * 1024 * 1024,
  processes: 64,
  diskBytes: 1,
  openFiles: 64,
  dataBytes: 1,
  outputBytes: 100,
};

const roots: string[] = [];
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A directory that looks like a cgroup file system; the kernel's own is tried by the attacks. */
function fileSystem(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'chill-space-cgroup-'));
  roots.push(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

describe('parseMembership', () => {
  it('reads both versions', () => {
    const paths = parseMembership('9:name=systemd:/\n4:memory:/a/b\n2:cpu,cpuacct:/c\n0::/d:e\n');
    expect(Object.fromEntries(paths)).toEqual({
      'name=systemd': '/',
      memory: '/a/b',
      cpu: '/c',
      cpuacct: '/c',
      '': '/d:e',
    });
  });
});

describe('findCgroups', () => {
  it('bounds memory, swap and processes in a delegated v2 hierarchy, and reads what was used', async () => {
    const root = fileSystem({
      'cgroup.controllers': 'cpu memory pids',
      'own/cgroup.controllers': 'cpu memory pids',
      'own/cgroup.subtree_control': '',
      'own/cgroup.procs': '',
    });
    const driver = findCgroupDriver(root, new Map([['', '/own']]));
    expect(driver?.version).toBe(2);
    expect(readFileSync(join(root, 'own/cgroup.subtree_control'), 'utf8')).toBe('+memory +pids');
    const group = driver?.create('run-1', LIMITS);
    const read = (file: string) => readFileSync(join(root, 'own/run-1', file), 'utf8');
    expect(read('memory.max')).toBe(String(LIMITS.memoryBytes));
    expect(read('memory.oom.group')).toBe('1');
    expect(Number(read('pids.max'))).toBeGreaterThanOrEqual(LIMITS.processes);
    await group?.add(123);
    expect(read('cgroup.procs')).toBe('123');
    writeFileSync(join(root, 'own/run-1/cpu.stat'), 'usage_usec 2500\nuser_usec 1\n');
    writeFileSync(join(root, 'own/run-1/memory.peak'), '4096\n');
    writeFileSync(join(root, 'own/run-1/memory.events'), 'low 0\noom 3\noom_kill 2\noom_group_kill 1\n');
    expect(group?.usage()).toEqual({ cpuMs: 2.5, peakMemoryBytes: 4096, oomKills: 2 });
  });

  it('makes groups next to the leaf to which another worker has moved it', () => {
    const root = fileSystem({
      'cgroup.controllers': 'cpu memory pids',
      'own/cgroup.subtree_control': 'memory pids\n',
      'own/server/cgroup.controllers': 'memory pids',
      'own/server/cgroup.procs': '1\n2\n',
      'own/server/cgroup.subtree_control': '',
    });
    const driver = findCgroupDriver(root, new Map([['', '/own/server']]));
    driver?.create('run-1', LIMITS);
    expect(readFileSync(join(root, 'own/run-1/pids.max'), 'utf8')).not.toBe('');
    expect(readFileSync(join(root, 'own/server/cgroup.subtree_control'), 'utf8')).toBe('');
  });

  it('does without where v2 is there and its controllers are not', () => {
    const root = fileSystem({ 'cgroup.controllers': 'cpu', 'cgroup.subtree_control': '' });
    expect(findCgroupDriver(root, new Map([['', '/']]))).toBeUndefined();
  });

  it('does without where there is nothing', () => {
    expect(findCgroupDriver(join(tmpdir(), 'no-such-directory'), new Map())).toBeUndefined();
  });
});
