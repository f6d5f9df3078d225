import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * A real nginx for the tests and the benchmarks. Where the machine has none, Debian's package is
 * fetched and unpacked, not installed: an installed nginx would start to serve on port 80.
 */

interface EnsureOptions {
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}

const run = promisify(execFile);
const SYSTEM = '/usr/sbin/nginx';

/** Where the unpacked one is kept. */
export function keptNginx(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chill-space', 'bin', 'nginx');
}

/** The binary's path; undefined without one. */
export async function findNginx(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  for (const path of [SYSTEM, keptNginx(env)]) if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  return undefined;
}

/** Resolves to the binary's path, or to undefined after it has logged the reason. */
export async function ensureNginx({
  log = () => {},
  env = process.env,
}: EnsureOptions = {}): Promise<string | undefined> {
  const found = await findNginx(env);
  if (found !== undefined) return found;
  const work = await mkdtemp(join(tmpdir(), 'chill-space-nginx-'));
  try {
    await run('apt-get', ['download', '-qq', 'nginx'], { cwd: work }).catch(async () => {
      await run('apt-get', ['update', '-qq']);
      await run('apt-get', ['download', '-qq', 'nginx'], { cwd: work });
    });
    const file = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (file === undefined) throw new Error('apt-get fetched nothing');
    await run('dpkg-deb', ['-x', file, 'unpacked'], { cwd: work });
    const kept = keptNginx(env);
    await mkdir(join(kept, '..'), { recursive: true });
    const own = `${kept}.${process.pid}`;
    await copyFile(join(work, 'unpacked', SYSTEM), own);
    // A rename across file systems is a copy; the last step is on one.
    await rename(own, kept);
    await run(kept, ['-v']);
    return kept;
  } catch (error) {
    log(`No nginx for the tests: ${complaintOf(error).trim().split('\n').at(-1)}. Install Debian's nginx.`);
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
