import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { LANGUAGES } from '#lib/languages/index';
import { SERVER_CAPABILITIES, withServerCapabilities } from './capabilities.ts';

const isRoot = process.getuid?.() === 0;

/**
 * The effective capabilities of what `withServerCapabilities` runs, as the kernel numbers them.
 */
function effective(root: boolean): bigint {
  const [command, args] = withServerCapabilities('grep', ['CapEff', '/proc/self/status'], root);
  return BigInt(`0x${execFileSync(command, args).toString().trim().split('\t')[1]}`);
}

describe('the capabilities of a server', () => {
  it('are left alone for a user that is not root', () => {
    expect(withServerCapabilities('node', ['server.ts'], false)).toEqual(['node', ['server.ts']]);
  });

  // Another user has none to lose: nothing is to be seen there.
  it.runIf(isRoot)('are, for root, those that the sandbox needs and no other', () => {
    const bits = effective(true).toString(2).replaceAll('0', '').length;
    expect(bits).toBe(SERVER_CAPABILITIES.length);
    // CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_MKNOD, CAP_SYS_MODULE.
    for (const number of [21n, 12n, 27n, 16n]) expect(effective(true) & (1n << number)).toBe(0n);
  });

  it('are enough to run every language that is installed', { timeout: 300_000 }, () => {
    const [command, args] = withServerCapabilities(process.execPath, ['scripts/try-languages.ts']);
    const { stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, LOG_LEVEL: 'silent' },
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual(Object.fromEntries(LANGUAGES.map(({ id }) => [id, 'success'])));
  });
});
