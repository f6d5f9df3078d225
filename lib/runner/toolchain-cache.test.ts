import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareToolchain, removeUnusedToolchains } from '#lib/runner/toolchain-cache';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chill-space-prepared-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const env = { PATH: '/usr/bin:/bin' };
const DAY_MS = 24 * 60 * 60 * 1000;

function put(name: string, daysAgo: number): void {
  mkdirSync(join(root, name));
  writeFileSync(join(root, name, 'index'), '');
  const then = new Date(Date.now() - daysAgo * DAY_MS);
  utimesSync(join(root, name, 'index'), then, then);
}

describe('what is prepared for a language', () => {
  it('is created once for concurrent requests, with the output of the command as its index', async () => {
    let made = 0;
    const make = (directory: string) => {
      made += 1;
      return { argv: ['/bin/sh', '-c', `echo ${directory}/library; echo made > ${directory}/library`], env };
    };
    const paths = await Promise.all([prepareToolchain(root, 'go-1', make), prepareToolchain(root, 'go-1', make)]);
    expect(new Set(paths)).toEqual(new Set([join(root, 'go-1')]));
    expect(made).toBe(1);
    expect(readFileSync(join(root, 'go-1', 'index'), 'utf8')).toMatch(/^\/[^\n]*\/library\n$/);
    expect(readFileSync(join(root, 'go-1', 'index'), 'utf8')).not.toContain(root);
    expect(readdirSync(root)).toEqual(['go-1']);
  });

  it('is not there at all where its command fails, and is tried again', async () => {
    const failing = () => ({ argv: ['/bin/sh', '-c', 'echo no room >&2; exit 1'], env });
    await expect(prepareToolchain(root, 'go-1', failing)).rejects.toThrow('no room');
    expect(existsSync(join(root, 'go-1'))).toBe(false);
    await prepareToolchain(root, 'go-1', () => ({ argv: ['/bin/true'], env }));
    expect(existsSync(join(root, 'go-1', 'index'))).toBe(true);
  });

  it('is removed when no server has begun with it for a month, and another version is in use', async () => {
    put('cpp-12', 40);
    put('cpp-13', 20);
    put('go-1', 40);
    put('cpp-14', 40);
    mkdirSync(join(root, 'cpp-15.partial'));
    await prepareToolchain(root, 'cpp-14', () => ({ argv: ['/bin/false'], env }));
    expect(await removeUnusedToolchains(root, 'cpp', 'cpp-14')).toEqual(['cpp-12']);
    expect(readdirSync(root).sort()).toEqual(['cpp-13', 'cpp-14', 'cpp-15.partial', 'go-1']);
    // It was just used.
    expect(await removeUnusedToolchains(root, 'cpp', 'cpp-13')).toEqual([]);
  });
});
