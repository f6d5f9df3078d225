/**
 * The packages of the lock file, installed without ever writing package.json or package-lock.json.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { progress } from './progress.mjs';
import { hash, LOCK, ROOT, run, SetupError, say } from './setup.mjs';
import { exclusively } from './setup-lock.mjs';

const MODULES = join(ROOT, 'node_modules');
const STAMP = join(MODULES, '.chill-space-packages');
/** npm's own record of what it installed; written last. */
const RECORD = join(MODULES, '.package-lock.json');
/** A registry that has not responded for so long will not respond. */
const FIRST_RESPONSE_MS = 90_000;
/**
 * A registry that responded and then is silent for so long has stalled. npm reports a package when
 * it begins to arrive: on a slow line the largest ones take minutes without a word.
 */
const SILENCE_MS = 5 * 60_000;
const DEADLINE_MS = 30 * 60_000;
const LAST_LINES = 12;

/**
 * Installs the packages where they are missing or not those of the lock file. Throws a SetupError
 * of one sentence.
 */
export async function ensurePackages() {
  if (isInstalled()) return;
  await exclusively(LOCK, 'installing packages', say, async (alsoHeldBy) => {
    if (isInstalled()) return;
    await install(alsoHeldBy);
    writeFileSync(STAMP, fingerprint());
  });
}

/**
 * Whether packages of an older version of the app are there, which `ensurePackages` would replace.
 */
export function hasOlderPackages() {
  return hasPackages() && !isInstalled();
}

function hasPackages() {
  return existsSync(RECORD);
}

function isInstalled() {
  const record = installedRecord();
  if (record === undefined) return false;
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint()) return true;
  return matchesLockFile(record, readJson('package-lock.json'), readJson('package.json'));
}

/** Undefined where npm was killed before it had written all of its record. */
function installedRecord() {
  if (!hasPackages()) return undefined;
  try {
    const record = JSON.parse(readFileSync(RECORD, 'utf8'));
    return typeof record === 'object' && record !== null ? record : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * Whether what npm recorded as installed is what the lock file names, and the lock file is of this
 * package.json: so it is after `npm ci` by hand. Packages that the lock file calls optional may be
 * absent.
 *
 * @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean,
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string> }} LockEntry
 * @typedef {{ packages: Record<string, LockEntry> }} LockFile
 * @param {LockFile} record
 * @param {LockFile} lock
 * @param {LockEntry} manifest
 * @returns {boolean}
 */
export function matchesLockFile(record, lock, manifest) {
  const root = lock.packages[''];
  for (const kind of ['dependencies', 'devDependencies'])
    if (JSON.stringify(root[kind]) !== JSON.stringify(manifest[kind])) return false;
  const installed = record.packages ?? {};
  return (
    Object.entries(installed).every(([path, { version, integrity }]) => {
      const wanted = lock.packages[path];
      return wanted !== undefined && wanted.version === version && wanted.integrity === integrity;
    }) &&
    Object.entries(lock.packages).every(
      ([path, { optional, devOptional }]) => path === '' || path in installed || optional || devOptional,
    )
  );
}

async function install(alsoHeldBy) {
  const report = progress('Installing packages (about a minute the first time) …');
  const npm = watchNpm(report);
  // `npm ci` takes a fresh folder exactly to the lock file. It begins by removing what is
  // installed, so an update uses `--no-save`, which checks the same sums and leaves the old
  // packages where the registry cannot be reached.
  const command = hasPackages() ? ['install', '--no-save'] : ['ci'];
  // With npm's own waits (10 s, then 60 s) a registry that refuses costs minutes.
  const waits = ['--fetch-retry-mintimeout=2000', '--fetch-retry-maxtimeout=10000'];
  const code = await run('npm', [...command, '--include=dev', '--no-audit', '--no-fund', '--loglevel=http', ...waits], {
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: npm.read,
    onSpawn: alsoHeldBy,
    giveUp: npm.giveUp,
    env: { ...process.env, NO_COLOR: '1' },
  });
  npm.stop();
  report.end(code === 0 ? 'done' : 'stopped');
  if (code === 0) return;
  if (code === -1) throw new SetupError('npm is not there. Install it together with Node, and try again.');
  throw new SetupError(npm.complaint());
}

/**
 * Reads npm's log line by line: counts what has come, reports retries, and gives up on a registry
 * that does not respond, or no longer.
 *
 * @param {{ note: (text: string) => void, line: (text: string) => void }} report
 * @returns {{ giveUp: AbortSignal, stop: () => void, read: (chunk: string | Buffer) => void,
 *   complaint: () => string }}
 */
export function watchNpm(report) {
  const aborted = new AbortController();
  const errors = [];
  let why = '';
  let fetched = 0;
  let rest = '';
  let retries = 0;
  const end = (reason) => {
    why = reason;
    aborted.abort();
  };
  let silence;
  const waitForResponse = (ms) => {
    clearTimeout(silence);
    silence = setTimeout(() => end(`it has answered nothing for ${ms / 1000} s`), ms);
  };
  waitForResponse(FIRST_RESPONSE_MS);
  const deadline = setTimeout(() => end(`it was not done after ${DEADLINE_MS / 60_000} minutes`), DEADLINE_MS);
  const readLine = (line) => {
    if (/^npm http (?:fetch|cache) .*\b(?:200|304|hit)\b/.test(line)) {
      waitForResponse(SILENCE_MS);
      fetched += 1;
      report.note(`${fetched} answers of the registry`);
    }
    const failed = /attempt (\d+) failed with (\S+)/.exec(line);
    if (failed !== null) {
      retries += 1;
      // Every package of a registry that refuses is tried again: one line is enough.
      if (retries === 1) report.line(`The npm registry does not answer (${failed[2]}); trying again …`);
    }
    const error = /^npm error (.+)$/.exec(line)?.[1];
    if (error !== undefined) errors.push(error);
  };
  return {
    giveUp: aborted.signal,
    stop: () => {
      clearTimeout(silence);
      clearTimeout(deadline);
    },
    read: (chunk) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) readLine(line);
    },
    complaint: () => {
      if (why === '') for (const line of errors.slice(0, LAST_LINES)) say(`  npm: ${line}`);
      return why === ''
        ? 'The packages could not be installed. Is the npm registry within reach (npm config get registry)? What npm said is above.'
        : `The packages could not be installed from the npm registry: ${why}. See npm config get registry, and its proxy settings.`;
    },
  };
}

function fingerprint() {
  const files = ['package.json', 'package-lock.json'].map((name) => readFileSync(join(ROOT, name)));
  return hash([...files, `${process.platform}-${process.arch}`]);
}

function readJson(name) {
  const text = readFileSync(join(ROOT, name), 'utf8');
  try {
    return JSON.parse(text);
  } catch {
    throw new SetupError(
      `${name} is not JSON, as after a merge with conflicts. Get it back with: git checkout ${name}`,
    );
  }
}
