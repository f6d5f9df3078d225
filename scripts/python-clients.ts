import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installPackages } from './system-tools.ts';

/**
 * The official Python SDKs for the tests, in a virtual environment in
 * ~/.cache/chill-space/test. It is made once for each state of test/python/requirements.txt, and
 * needs no network from then on.
 */

interface EnsureOptions {
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  /** Installs Debian packages; false if it cannot. */
  install?: (packages: readonly string[]) => Promise<boolean>;
}

export type PythonClients =
  /** The path of the environment's interpreter. */
  | { python: string }
  /** One sentence that says what is missing. */
  | { missing: string };

const run = promisify(execFile);

const REQUIREMENTS = join(import.meta.dirname, '..', 'test', 'python', 'requirements.txt');
/** What the SDKs need. */
const OLDEST_PYTHON = [3, 11] as const;
const INTERPRETERS = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11'];
const PIP_TIMEOUT_MS = 10 * 60 * 1000;

export async function ensurePythonClients({
  log = () => {},
  env = process.env,
  install = (packages) => installPackages(packages, log),
}: EnsureOptions = {}): Promise<PythonClients> {
  const version = createHash('sha256')
    .update(await readFile(REQUIREMENTS))
    .digest('hex')
    .slice(0, 12);
  const cache = join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'test');
  const folder = join(cache, `python-${version}`);
  const python = join(folder, 'bin', 'python');
  if (await exists(python)) return { python };
  let interpreter = await findInterpreter(env);
  if (interpreter === undefined && (await install(['python3-venv']))) interpreter = await findInterpreter(env);
  if (interpreter === undefined)
    return {
      missing: `No Python SDKs for the tests: Python ${OLDEST_PYTHON.join('.')} or newer with venv is missing.`,
    };
  log('Installing the Python SDKs for the tests, once …');
  // Moved into its place when it is whole. Only its interpreter is used, which finds its packages
  // from where it lies.
  const own = `${folder}.${process.pid}`;
  try {
    await mkdir(cache, { recursive: true });
    await run(interpreter, ['-m', 'venv', own], { env });
    const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes'];
    await run(join(own, 'bin', 'python'), ['-m', 'pip', 'install', ...options, '-r', REQUIREMENTS], {
      env,
      timeout: PIP_TIMEOUT_MS,
    });
    // Another process may have been faster.
    await rename(own, folder).catch(async (error: unknown) => {
      if (!(await exists(python))) throw error;
    });
    return { python };
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message?: string };
    const last = (stderr || message || String(error)).trim().split('\n').at(-1);
    return { missing: `No Python SDKs for the tests: they could not be installed (${last}).` };
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** The first interpreter that is new enough and can make an environment with pip. */
async function findInterpreter(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const check = `import sys, venv, ensurepip; sys.exit(sys.version_info < (${OLDEST_PYTHON.join(', ')}))`;
  for (const interpreter of INTERPRETERS) {
    const works = await run(interpreter, ['-c', check], { env }).then(
      () => true,
      () => false,
    );
    if (works) return interpreter;
  }
  return undefined;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
