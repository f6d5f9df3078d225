/**
 * What `npm start` and `npm test` share before anything runs; packages.mjs and build.mjs are made
 * of it. Plain JavaScript without packages: it runs on the machine's own Node (OLDEST_NODE or
 * newer), before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeComplaint } from './node-version.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
/** Held by the one start that installs or builds. */
export const LOCK = join(ROOT, '.cache', 'set-up.lock');

/** A failure whose message is all that the operator needs. */
export class SetupError extends Error {}

/**
 * One sentence for a file operation that this user may not do on `file`, such as a start by root
 * before; undefined for other errors.
 */
export function deniedComplaint(error, file = error?.path) {
  if (file === undefined) return undefined;
  if (error.code === 'EROFS') return `${file} is on a file system that cannot be written to.`;
  if (error.code !== 'EACCES' && error.code !== 'EPERM') return undefined;
  return `${file}, or its folder, belongs to another user: remove it, or run this as its owner.`;
}

export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** The environment in which the project's own Node 24 and tools come first. Inherited options of another Node are dropped. */
export function projectEnvironment(extra = {}) {
  const environment = { ...process.env, PATH: `${BIN}:${process.env.PATH ?? ''}`, ...extra };
  delete environment.NODE_OPTIONS;
  return environment;
}

/** The project's own Node, a devDependency. */
export function projectNode() {
  const own = join(BIN, 'node');
  return existsSync(own) ? own : process.execPath;
}

/**
 * Throws where the machine's Node cannot run set-up. The first step, since what comes next needs
 * that Node.
 */
export function requireNode() {
  const complaint = nodeComplaint();
  if (complaint !== undefined) throw new SetupError(complaint);
}

/** Settings of `.env`, for set-up and for everything that it starts; what is already in the environment wins. */
export function loadDotEnv() {
  const file = join(ROOT, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

/**
 * The languages of the code runner: what each needs, and the Debian package that has it. Go and Rust may lie where their own
 * installers put them.
 */
export const TOOLCHAINS = {
  python3: 'python3',
  'g++': 'g++',
  mold: 'mold',
  javac: 'default-jdk-headless',
  'go|/usr/local/go/bin/go': 'golang-go',
  [`rustc|${join(homedir(), '.cargo', 'bin', 'rustc')}`]: 'rustc',
};

/**
 * Makes sure that `programs` ({command or file, or several of which one is enough: Debian package}) are there: through apt where we are root, else by
 * naming them. Returns those that are still missing.
 */
export async function ensureSystemTools(programs) {
  const missing = () => Object.entries(programs).filter(([name]) => !isThere(name));
  const packages = missing().map(([, name]) => name);
  if (packages.length === 0) return [];
  if (process.getuid?.() === 0 && onPath('apt-get')) {
    say(`Installing ${packages.join(', ')} through apt …`);
    const quiet = {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'inherit'],
    };
    const install = ['install', '-y', '-qq', '--no-install-recommends', ...packages];
    if ((await run('apt-get', install, quiet)) !== 0) {
      await run('apt-get', ['update', '-qq'], quiet);
      await run('apt-get', install, quiet);
    }
  }
  const still = missing();
  if (still.length > 0) {
    const names = still.map(([, name]) => name).join(' ');
    say(`Missing on this machine: ${names}. Install with: sudo apt-get install -y ${names}`);
  }
  return still.map(([command]) => command);
}

/** Node's arguments for the server. The heap grows because nothing collects it: with these bounds it stays small, at no cost in speed. */
export const SERVER_ARGUMENTS = ['--max-old-space-size=512', '--max-semi-space-size=4', 'server.ts'];

/**
 * What the server runs in. Compiled code is kept from the last start: half the time to the first answer, and no type
 * stripper in memory. glibc keeps a pool of freed memory for each thread, up to eight for each processor: with two in
 * all the server takes 6 to 10 MB less under load, and is no slower.
 */
export function serverEnvironment() {
  return projectEnvironment({
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'chill-space'),
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  });
}

/**
 * Runs a program to its end and resolves with its exit code; −1 where it could not be started. A
 * signal that ends this process ends the program first. `giveUp` kills it.
 */
export function run(command, args, { onOutput, onSpawn, giveUp, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    let asked;
    const pass = (signal) => {
      asked = signal;
      child.kill(signal);
    };
    const kill = () => child.kill('SIGKILL');
    for (const signal of ENDING) process.on(signal, pass);
    giveUp?.addEventListener('abort', kill, { once: true });
    const done = (code) => {
      for (const signal of ENDING) process.off(signal, pass);
      giveUp?.removeEventListener('abort', kill);
      if (asked !== undefined) process.exit(128 + constants.signals[asked]);
      resolve(code);
    };
    child.once('spawn', () => onSpawn?.(child.pid));
    child.stdout?.on('data', (chunk) => onOutput?.(chunk));
    child.stderr?.on('data', (chunk) => onOutput?.(chunk));
    child.on('error', () => done(-1));
    child.on('close', (code, signal) => done(code ?? (signal === null ? 0 : 1)));
  });
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'];

function isThere(names) {
  return names.split('|').some((name) => (name.startsWith('/') ? existsSync(name) : onPath(name)));
}

export function onPath(command) {
  return spawnSync('sh', ['-c', `command -v "${command}"`], { stdio: 'ignore' }).status === 0;
}

export function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}
