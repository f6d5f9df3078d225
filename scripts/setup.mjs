/**
 * What `npm start` and `npm test` make sure of before anything runs: packages, system tools, the build.
 * Plain JavaScript without packages: it runs on whatever Node the machine has (20 or newer), before anything is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { finishBuild } from './finish-build.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BIN = join(ROOT, 'node_modules', '.bin');
const OLDEST_NODE_FOR_SETUP = 20;

/** A failure whose message is all that the operator needs. */
export class SetupError extends Error {}

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

/** Settings of `.env`, for set-up and for everything that it starts; what is already in the environment wins. */
export function loadDotEnv() {
  const file = join(ROOT, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

/** Installs the packages where they are missing or older than the lock file. */
export async function ensurePackages() {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE_FOR_SETUP)
    throw new SetupError(`Node ${process.versions.node} is too old. Install Node 22.18 or newer and try again.`);
  const stamp = join(ROOT, 'node_modules', '.chill-space-packages');
  const wanted = hash([readFileSync(join(ROOT, 'package.json')), readFileSync(join(ROOT, 'package-lock.json'))]);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('Installing packages (about a minute the first time) …');
  // `npm ci` stops over optional packages for other platforms that a mirror does not carry; `npm install` goes through.
  const code = await run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev']);
  if (code !== 0)
    throw new SetupError(
      'The packages could not be installed. Is the npm registry within reach? What npm said is above.',
    );
  const after = hash([readFileSync(join(ROOT, 'package.json')), readFileSync(join(ROOT, 'package-lock.json'))]);
  writeFileSync(stamp, after);
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

const BUILD_SOURCES = [
  'app',
  'components',
  'lib',
  'public',
  'proxy.ts',
  'instrumentation-client.ts',
  'next.config.mjs',
  'postcss.config.mjs',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
  'scripts/demo.mjs',
  'scripts/finish-build.mjs',
  'scripts/uplot-loader.cjs',
];
const BUILD_STAMP = join(ROOT, '.next', 'chill-space-build');

/** Builds the pages where the build is older than the sources. */
export async function ensureBuild() {
  const wanted = sourceFingerprint();
  if (existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === wanted) return;
  await ensureDemo();
  say('Building the pages …');
  const output = [];
  const code = await run(projectNode(), [join(ROOT, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'], {
    env: projectEnvironment({ NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' }),
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (chunk) => output.push(chunk),
  });
  if (code !== 0)
    throw new SetupError(`${Buffer.concat(output).toString()}\nThe pages could not be built. What Next said is above.`);
  await finishBuild(ROOT);
  await run(projectNode(), [join(ROOT, 'scripts', 'precompile.ts')], { cwd: ROOT, env: serverEnvironment() });
  mkdirSync(dirname(BUILD_STAMP), { recursive: true });
  writeFileSync(BUILD_STAMP, wanted);
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

/** What demo mode runs programs with in the browser (`public/demo/engine/`). */
export async function ensureDemo() {
  if ((await run(projectNode(), [join(ROOT, 'scripts', 'demo.mjs')], { env: projectEnvironment() })) !== 0)
    throw new SetupError('The engines of demo mode could not be made. What went wrong is above.');
}

/** Changes whenever a file that goes into the build does, or a setting that is read at build time. */
function sourceFingerprint() {
  const parts = Object.entries(process.env)
    .filter(([name]) => name.startsWith('NEXT_PUBLIC_'))
    .sort()
    .map(([name, value]) => `${name}=${value}`);
  for (const source of BUILD_SOURCES) {
    const path = join(ROOT, source);
    if (!existsSync(path)) continue;
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true })
          .sort()
          .map((name) => join(path, name))
      : [path];
    for (const file of files) {
      // Tests are not built, and what the build itself makes would always be newer than it.
      if (/\.test\.tsx?$/.test(file) || file.includes(join('public', 'demo', 'engine'))) continue;
      const { size, mtimeMs } = statSync(file);
      parts.push(`${file.slice(ROOT.length)} ${size} ${mtimeMs}`);
    }
  }
  return hash(parts);
}

/** Runs a program to its end and resolves with its exit code; −1 where it could not be started. */
export function run(command, args, { onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    child.stdout?.on('data', (chunk) => onOutput?.(chunk));
    child.stderr?.on('data', (chunk) => onOutput?.(chunk));
    child.on('error', () => resolve(-1));
    child.on('close', (code, signal) => resolve(code ?? (signal === null ? 0 : 1)));
  });
}

function isThere(names) {
  return names.split('|').some((name) => (name.startsWith('/') ? existsSync(name) : onPath(name)));
}

export function onPath(command) {
  return spawnSync('sh', ['-c', `command -v "${command}"`], { stdio: 'ignore' }).status === 0;
}

function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}
