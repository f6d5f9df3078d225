import { fstatSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cpp } from '#lib/languages/cpp/runner';
import { Artifact } from '#lib/runner/artifact';
import { CompileCache, compileKey } from '#lib/runner/compile-cache';

const TOOLCHAIN = { binds: [], programs: { compiler: '/usr/bin/g++' } };
const COMPILATION = { steps: [['g++', 'main.cpp']], output: 'program' };
const file = (name: string, content: string) => ({ name, content: Buffer.from(content) });
const key = (files = [file('main.cpp', 'x')], compilation = COMPILATION, toolchain = TOOLCHAIN) =>
  compileKey(cpp, toolchain, compilation, files);

describe('compileKey', () => {
  it('is the same for the same, and another for anything that could make another program', () => {
    expect(key()).toBe(key());
    const others = [
      key([file('main.cpp', 'y')]),
      key([file('main.cpp', 'x'), file('a.h', '')]),
      key([file('main.cppx', '')]),
      key([file('main.cpp', ''), file('x', '')]),
      key(undefined, { ...COMPILATION, steps: [['g++', '-O2', 'main.cpp']] }),
      key(undefined, undefined, { ...TOOLCHAIN, programs: { compiler: '/usr/local/bin/g++' } }),
    ];
    expect(new Set([key(), ...others]).size).toBe(others.length + 1);
  });
});

describe('CompileCache', () => {
  it('gives out descriptors of their own, which outlive the cache', () => {
    const cache = new CompileCache();
    const artifact = new Artifact();
    artifact.write(Buffer.from('prog'));
    artifact.write(Buffer.from('ram'));
    cache.store('key', artifact, 'a warning');
    expect(cache.open('other')).toBeUndefined();
    const [one, two] = [cache.open('key'), cache.open('key')];
    if (one === undefined || two === undefined) throw new Error('it was not kept');
    expect(one.warnings).toBe('a warning');
    cache.close();
    expect(() => fstatSync(artifact.fd)).toThrow('EBADF');
    expect(readFileSync(one.fd, 'utf8')).toBe('program');
    expect(readFileSync(two.fd, 'utf8')).toBe('program');
  });
});

describe('sandboxes of a compiled program', () => {
  const kind = { name: 'C++', megabytes: 1, make: () => undefined };

  it('are of one kind for as long as the program is kept', () => {
    const cache = new CompileCache();
    const artifact = new Artifact();
    artifact.write(Buffer.from('program'));
    const asked: number[] = [];
    const make = (bytes: number) => {
      asked.push(bytes);
      return kind;
    };
    expect(cache.templateFor('key', make)).toBeUndefined();
    cache.store('key', artifact, '');
    expect(cache.templateFor('key', make)).toBe(kind);
    expect(cache.templateFor('key', make)).toBe(kind);
    expect(asked).toEqual(['program'.length]);
    cache.close();
    expect(cache.templateFor('key', make)).toBeUndefined();
  });

  it('are not asked for again where there can be none', () => {
    const cache = new CompileCache();
    cache.store('key', new Artifact(), '');
    let asked = 0;
    const make = () => {
      asked += 1;
      return undefined;
    };
    expect([cache.templateFor('key', make), cache.templateFor('key', make)]).toEqual([undefined, undefined]);
    expect(asked).toBe(1);
    cache.close();
  });
});

describe('Artifact', () => {
  it('refuses more than any program should have', () => {
    const artifact = new Artifact();
    const chunk = Buffer.alloc(16 * 1024 * 1024);
    expect([1, 2, 3, 4].map(() => artifact.write(chunk))).toEqual([true, true, true, true]);
    expect(artifact.write(Buffer.from('x'))).toBe(false);
    artifact.close();
  });
});
