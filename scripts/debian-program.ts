import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A program of a Debian package for the tests and the benchmarks. Where the machine has none, the
 * package is fetched and unpacked, not installed: an installed server would start to serve.
 */
export interface DebianProgram {
  /** Of the package, and of the kept file. */
  readonly name: string;
  /** Where the package puts it. */
  readonly path: string;
  /** Arguments with which it shows its version. */
  readonly version: readonly string[];
}

export interface EnsureOptions {
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

const run = promisify(execFile);

/** Where the unpacked one is kept. */
export function keptProgram({ name }: DebianProgram, env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'bin', name);
}

/** The binary's path; undefined without one. */
export async function findProgram(
  program: DebianProgram,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  for (const path of [program.path, keptProgram(program, env)])
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  return undefined;
}

/** Resolves to the binary's path, or to undefined after it has logged the reason. */
export async function ensureProgram(
  program: DebianProgram,
  { log = () => {}, env = process.env }: EnsureOptions = {},
): Promise<string | undefined> {
  const found = await findProgram(program, env);
  if (found !== undefined) return found;
  const { name, path, version } = program;
  const work = await mkdtemp(join(tmpdir(), `chill-space-${name}-`));
  try {
    await run('apt-get', ['download', '-qq', name], { cwd: work }).catch(async () => {
      await run('apt-get', ['update', '-qq']);
      await run('apt-get', ['download', '-qq', name], { cwd: work });
    });
    const file = (await readdir(work)).find((one) => one.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get fetched nothing');
    await run('dpkg-deb', ['-x', file, 'unpacked'], { cwd: work });
    const kept = keptProgram(program, env);
    await mkdir(join(kept, '..'), { recursive: true });
    const own = `${kept}.${process.pid}`;
    await copyFile(join(work, 'unpacked', path), own);
    // A rename across file systems is a copy; the last step is on one.
    await rename(own, kept);
    await run(kept, [...version]);
    return kept;
  } catch (error) {
    log(`No ${name} for the tests: ${complaintOf(error).trim().split('\n').at(-1)}. Install Debian's ${name}.`);
    return undefined;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** What a program that failed wrote to standard error, or else the error's message. */
function complaintOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message?: string };
  return stderr || message || String(error);
}
