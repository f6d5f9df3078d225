import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * A peer to measure against, installed once from npm into the cache folder and not into the
 * project. Returns the package's folder. Throws where npm cannot get it.
 */
export function installedPeer(name: string, version: string): string {
  const folder = join(homedir(), '.cache', 'chill-space', 'bench', `${name.replaceAll('/', '-')}-${version}`);
  const home = join(folder, 'node_modules', name);
  if (existsSync(join(home, 'package.json'))) return home;
  mkdirSync(folder, { recursive: true });
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`], {
    encoding: 'utf8',
  });
  if (npm.status !== 0) throw new Error(`${name} ${version} cannot be installed:\n${npm.stderr}`);
  return home;
}
