import { describe, expect, it } from 'vitest';
import { systemLayout } from '#lib/runner/sandbox/bubblewrap/arguments';

/** A machine's files: a directory's names, a link's target, or a plain file. */
function machine(
  files: Record<string, readonly string[] | { to: string } | 'file'>,
): Parameters<typeof systemLayout>[1] {
  const at = (path: string) => files[path];
  return {
    exists: (path) => at(path) !== undefined,
    readlink: (path) => {
      const found = at(path);
      return typeof found === 'object' && 'to' in found ? found.to : undefined;
    },
    list: (path) => {
      const found = at(path);
      return Array.isArray(found) ? [...found] : undefined;
    },
  };
}

describe('systemLayout', () => {
  it('binds what there is, and makes a directory of a few links out of these', () => {
    const files = machine({
      '/usr/bin': ['sh'],
      '/usr/bin/sh': { to: 'dash' },
      '/usr/bin/dash': 'file',
      '/usr/lib': ['x', 'y'],
      '/usr/lib/x': { to: 'y' },
      '/usr/lib/y': 'file',
      '/usr/lib64': ['ld.so'],
      '/usr/lib64/ld.so': { to: '/lib/ld.so' },
      '/usr/local/bin': [],
      '/etc/ld.so.cache': 'file',
      '/bin': { to: 'usr/bin' },
      '/lib64': ['ld.so'],
    });
    expect(systemLayout('/srv/app', files)).toEqual({
      binds: ['/usr/lib', '/usr/local/bin', '/etc/ld.so.cache', '/lib64'].map((from) => ({ from })),
      symlinks: [
        ['/usr/bin/sh', 'dash'],
        ['/usr/lib64/ld.so', '/lib/ld.so'],
        ['/bin', 'usr/bin'],
      ],
      hidden: [],
    });
  });

  it('hides the app where it lies below what is bound', () => {
    const files = machine({ '/usr/lib': ['chill-space', 'x'], '/usr/lib/x': 'file' });
    expect(systemLayout('/usr/lib/chill-space', files).hidden).toEqual(['/usr/lib/chill-space']);
    expect(systemLayout('/usr/library', files).hidden).toEqual([]);
  });
});
