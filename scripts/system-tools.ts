/** Programs of the operating system: found, and installed through apt where this is root. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { run, say } from './bootstrap/setup.mjs';

/**
 * The toolchains of the code runner: what each needs, and the Debian package that has it. Go and
 * Rust may lie where their own installers put them.
 */
export const TOOLCHAINS: Readonly<Record<string, string>> = {
  python3: 'python3',
  'g++': 'g++',
  mold: 'mold',
  javac: 'default-jdk-headless',
  'go|/usr/local/go/bin/go': 'golang-go',
  [`rustc|${join(homedir(), '.cargo', 'bin', 'rustc')}`]: 'rustc',
};

/**
 * Makes sure that `programs` are there: a command or a file, or several with `|` of which one is
 * enough, each with its Debian package. Returns the commands that are still missing, which are
 * also named to the operator.
 */
export async function ensureSystemTools(programs: Readonly<Record<string, string>>): Promise<string[]> {
  const missing = () => Object.entries(programs).filter(([name]) => !isThere(name));
  const packages = missing().map(([, name]) => name);
  if (packages.length === 0) return [];
  await installPackages(packages, say);
  const still = missing();
  if (still.length > 0) {
    const names = still.map(([, name]) => name).join(' ');
    say(`Missing on this machine: ${names}. Install with: sudo apt-get install -y ${names}`);
  }
  return still.map(([command]) => command);
}

/** Installs Debian packages where this is root and apt is there. Returns whether it tried. */
export async function installPackages(packages: readonly string[], log: (line: string) => void): Promise<boolean> {
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) return false;
  log(`Installing ${packages.join(', ')} through apt …`);
  const quiet: Parameters<typeof run>[2] = {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'inherit'],
  };
  const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
  if ((await run('apt-get', install, quiet)) !== 0) {
    await run('apt-get', ['update', '-qq'], quiet);
    await run('apt-get', install, quiet);
  }
  return true;
}

function isThere(names: string): boolean {
  return names.split('|').some((name) => (name.startsWith('/') ? existsSync(name) : isOnPath(name)));
}

/** Whether the shell finds a command. */
export function isOnPath(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v "${command}"`], { stdio: 'ignore' }).status === 0;
}
