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
  it('is equal for equal input, and differs for any difference in toolchain, commands or files', () => {
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
  it('opens descriptors that outlive the cache', () => {
    const cache = new CompileCache();
    const artifact = new Artifact();
    artifact.write(Buffer.from('prog'));
    artifact.write(Buffer.from('ram'));
    cache.store('key', artifact, 'a warning');
    expect(cache.open('other')).toBeUndefined();
    const [one, two] = [cache.open('key'), cache.open('key')];
    if (one === undefined || two === undefined) throw new Error('it was not cached');
    expect(one.warnings).toBe('a warning');
    cache.close();
    expect(() => fstatSync(artifact.fd)).toThrow('EBADF');
    expect(readFileSync(one.fd, 'utf8')).toBe('program');
    expect(readFileSync(two.fd, 'utf8')).toBe('program');
  });
});

describe('the template of a compiled program', () => {
  const template = {
    ...{ name: 'C++', megabytes: 1, spareFactor: 1, ephemeral: true },
    accepts: () => true,
    start: () => undefined,
  };

  it('is built once while the program is cached', () => {
    const cache = new CompileCache();
    const artifact = new Artifact();
    artifact.write(Buffer.from('program'));
    const sizes: number[] = [];
    const build = (bytes: number) => {
      sizes.push(bytes);
      return template;
    };
    expect(cache.templateFor('key', build)).toBeUndefined();
    cache.store('key', artifact, '');
    expect(cache.templateFor('key', build)).toBe(template);
    expect(cache.templateFor('key', build)).toBe(template);
    expect(sizes).toEqual(['program'.length]);
    cache.close();
    expect(cache.templateFor('key', build)).toBeUndefined();
  });

  it('is not built again if there can be no such sandbox', () => {
    const cache = new CompileCache();
    cache.store('key', new Artifact(), '');
    let builds = 0;
    const build = () => {
      builds += 1;
      return undefined;
    };
    expect([cache.templateFor('key', build), cache.templateFor('key', build)]).toEqual([undefined, undefined]);
    expect(builds).toBe(1);
    cache.close();
  });
});

describe('Artifact', () => {
  it('rejects content above its capacity', () => {
    const artifact = new Artifact();
    const chunk = Buffer.alloc(16 * 1024 * 1024);
    expect([1, 2, 3, 4].map(() => artifact.write(chunk))).toEqual([true, true, true, true]);
    expect(artifact.write(Buffer.from('x'))).toBe(false);
    artifact.close();
  });
});
