/**
 * Peers to measure against, kept in the user's cache folder and never in the project. A peer that
 * this machine cannot have is skipped with its reason.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where peers lie, and the tables of an interrupted run. */
export const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'bench');
const BIN = join(CACHE, 'bin');

/** A program, or the reason why this machine cannot have it. */
export type Peer = { program: string } | { skipped: string };

/**
 * A package of npm, installed once. Returns the package's folder. Throws where npm cannot get it.
 */
export function installedPeer(name: string, version: string): string {
  const folder = join(CACHE, `${name.replaceAll('/', '-')}-${version}`);
  const home = join(folder, 'node_modules', name);
  if (existsSync(join(home, 'package.json'))) return home;
  mkdirSync(folder, { recursive: true });
  const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, `${name}@${version}`], {
    encoding: 'utf8',
  });
  if (npm.status !== 0) throw new Error(`${name} ${version} cannot be installed:\n${npm.stderr}`);
  return home;
}

/**
 * A program of a Go module, built once from its source. One that lies in the cache folder's `bin`
 * or on the PATH is used as it is.
 */
export function goPeer(name: string, source: string): Peer {
  const program = onPath(name) ?? keptProgram(name);
  if (program !== undefined) return { program };
  mkdirSync(BIN, { recursive: true });
  const failure = failureOf('go', ['install', source], { ...process.env, GOBIN: BIN });
  if (failure === undefined) return { program: join(BIN, name) };
  return { skipped: `${name}: go install ${source} failed (${failure}); a binary at ${join(BIN, name)} is used` };
}

/** A program of a Python package, installed once into a virtual environment. */
export function pythonPeer(name: string, version: string, extra: string): Peer {
  const folder = join(CACHE, `${name}-${version}`);
  const program = join(folder, 'bin', name);
  if (existsSync(program)) return { program };
  const failure =
    failureOf('python3', ['-m', 'venv', folder]) ??
    failureOf(join(folder, 'bin', 'pip'), [
      'install',
      '-q',
      '--disable-pip-version-check',
      `${name}[${extra}]==${version}`,
    ]);
  if (failure === undefined) return { program };
  rmSync(folder, { recursive: true, force: true });
  return { skipped: `${name} ${version}: pip cannot install it (${failure})` };
}

/**
 * A server of a Debian package: unpacked and not installed, because an installed one would start
 * to serve. `path` is the program's within the package.
 */
export function debianPeer(name: string, path: string): Peer {
  const program = [path, join(BIN, name)].find((one) => existsSync(one));
  if (program !== undefined) return { program };
  const work = mkdtempSync(join(tmpdir(), 'chill-space-peer-'));
  try {
    const failure =
      failureOf('apt-get', ['download', '-qq', name], process.env, work) ??
      failureOf('dpkg-deb', ['-x', readdirSync(work)[0] ?? 'nothing', 'unpacked'], process.env, work);
    if (failure !== undefined) return { skipped: `${name}: apt cannot fetch it (${failure})` };
    mkdirSync(BIN, { recursive: true });
    const kept = join(BIN, name);
    copyFileSync(join(work, 'unpacked', path), `${kept}.${process.pid}`);
    renameSync(`${kept}.${process.pid}`, kept);
    const broken = failureOf(kept, [name === 'caddy' ? 'version' : '-v']);
    if (broken === undefined) return { program: kept };
    rmSync(kept);
    return { skipped: `${name}: it needs libraries of other packages (${broken}): apt-get install ${name}` };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function keptProgram(name: string): string | undefined {
  const kept = join(BIN, name);
  return existsSync(kept) ? kept : undefined;
}

function onPath(name: string): string | undefined {
  return spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim() || undefined;
}

/** The last line of what a command that failed complained of; undefined where it succeeded. */
function failureOf(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (status === 0) return undefined;
  return error?.message ?? (stderr.trim().split('\n').at(-1)?.trim() || `it ended with ${status}`);
}
