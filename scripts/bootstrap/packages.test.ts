import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeComplaint, OLDEST_NODE } from './node-version.mjs';
import { type LockFile, matchesLockFile, watchNpm } from './packages.mjs';
import { progress } from './progress.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const lock: LockFile = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/**
 * The packages that `path` may load, as Node looks for them: in its own folder, then in those
 * above.
 */
function resolves(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (lock.packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
    if (!folder.includes('/node_modules/')) folder = '/node_modules/';
  }
}

it('has every package in the lock file, also those of other platforms', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !resolves(path, name))
      .map((name) => `${path} needs ${name}`),
  );
  expect(missing).toEqual([]);
  for (const platform of ['linux-x64-gnu', 'linux-arm64-gnu', 'darwin-arm64', 'darwin-x64'])
    expect(lock.packages).toHaveProperty([`node_modules/@next/swc-${platform}`]);
});

it('has the same dependencies in the lock file as in package.json, and no address of a registry', () => {
  const { dependencies, devDependencies } = lock.packages[''] ?? {};
  expect({ dependencies, devDependencies }).toEqual({
    dependencies: manifest.dependencies,
    devDependencies: manifest.devDependencies,
  });
  expect(JSON.stringify(lock)).not.toContain('"resolved"');
  expect(readFileSync('.npmrc', 'utf8')).toContain('omit-lockfile-registry-resolved=true');
});

it('knows an installation of the lock file, and what differs from it', () => {
  const record: LockFile = { packages: { ...lock.packages } };
  delete record.packages[''];
  expect(matchesLockFile(record, lock, manifest)).toBe(true);
  // Another platform's packages are not installed.
  const { 'node_modules/@next/swc-darwin-arm64': _other, ...here } = record.packages;
  expect(matchesLockFile({ packages: here }, lock, manifest)).toBe(true);
  const { 'node_modules/clsx': clsx, ...without } = record.packages;
  expect(matchesLockFile({ packages: without }, lock, manifest)).toBe(false);
  const older = { ...record.packages, 'node_modules/clsx': { ...clsx, version: '1.0.0' } };
  expect(matchesLockFile({ packages: older }, lock, manifest)).toBe(false);
  const more = { ...record.packages, 'node_modules/more': { version: '1.0.0' } };
  expect(matchesLockFile({ packages: more }, lock, manifest)).toBe(false);
  const edited = { ...manifest, dependencies: { ...manifest.dependencies, more: '1.0.0' } };
  expect(matchesLockFile(record, lock, edited)).toBe(false);
});

describe('of a registry', () => {
  const RESPONSE = 'npm http fetch GET 200 https://registry.invalid/clsx 30ms (cache miss)\n';
  const FAILED = 'npm http fetch GET https://registry.invalid/next attempt 1 failed with ETIMEDOUT\n';
  let npm: ReturnType<typeof watchNpm>;

  beforeEach(() => {
    vi.useFakeTimers();
    npm = watchNpm({ note: () => {}, line: () => {} });
  });
  afterEach(() => {
    npm.stop();
    vi.useRealTimers();
  });

  it('gives up when it never responds', () => {
    npm.read(FAILED);
    vi.advanceTimersByTime(89_000);
    expect(npm.giveUp.aborted).toBe(false);
    vi.advanceTimersByTime(2_000);
    expect(npm.giveUp.aborted).toBe(true);
    expect(npm.complaint()).toContain('it has answered nothing for 90 s');
  });

  it('gives up when it stalls half-way, some minutes after its last response', () => {
    for (let responses = 0; responses < 5; responses += 1) {
      npm.read(RESPONSE);
      vi.advanceTimersByTime(4 * 60_000);
      expect(npm.giveUp.aborted).toBe(false);
    }
    npm.read(FAILED);
    vi.advanceTimersByTime(2 * 60_000);
    expect(npm.giveUp.aborted).toBe(true);
    expect(npm.complaint()).toContain('it has answered nothing for 300 s');
  });
});

it('gives one response to which Node: set-up on the oldest one, the app on the one that it installs', () => {
  expect(manifest.engines.node).toBe(`>=${OLDEST_NODE}`);
  const readme = readFileSync('README.md', 'utf8');
  expect(readme).toContain(`Node ${OLDEST_NODE}`);
  expect(readme).toContain(`Node ${manifest.devDependencies.node.split('.')[0]}`);
  for (const version of ['16.20.2', '18.20.8', '20.11.1'])
    expect(nodeComplaint(version)).toMatch(new RegExp(`^Node ${version} is too old .* Node ${OLDEST_NODE} or newer`));
  for (const version of [`${OLDEST_NODE}.0`, '20.20.2', '22.0.0', '24.21.0'])
    expect(nodeComplaint(version)).toBeUndefined();
});

it('reports a long step on one line of a terminal, and by lines elsewhere', () => {
  const written = (isTTY: boolean) => {
    let text = '';
    let time = 0;
    const write = (more: string) => {
      text += more;
    };
    const report = progress('Building …', { isTTY, columns: 80, write }, () => time);
    report.note('12 of 30');
    time = 42_000;
    report.line('A retry.');
    report.end('done');
    return text;
  };
  expect(written(true)).toBe(
    '\r\x1b[2KBuilding … 0 s\r\x1b[2KA retry.\n\r\x1b[2KBuilding … 42 s, 12 of 30\r\x1b[2KBuilding … done after 42 s\n',
  );
  expect(written(false)).toBe('Building …\nA retry.\n  done after 42 s\n');
});
