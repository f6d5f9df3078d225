import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

const run = (PATH?: string) =>
  spawnSync(process.execPath, ['scripts/toolchains.ts'], {
    encoding: 'utf8',
    env: PATH === undefined ? process.env : { ...process.env, PATH, HOME: '/nonexistent' },
  });

describe('npm run toolchains', () => {
  it('says so where every language is there', () => {
    expect(run()).toMatchObject({ status: 0, stderr: 'Every language of the code runner is installed.\n' });
  });

  it('names in one sentence what is missing where it cannot be installed', () => {
    const { status, stderr } = run('/nonexistent');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^Missing on this machine: python3 g\+\+ mold default-jdk-headless( golang-go)? rustc\. Install with: sudo apt-get install -y python3 .*\n$/,
    );
  });
});
