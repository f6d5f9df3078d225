import { type SpawnOptionsWithStdioTuple, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PREPARED, type PreparationCommand } from '#lib/languages/language';
import { beNicer } from '#lib/runner/sandbox/fork-server/spawn-options';

/** Where prepared toolchains stay between starts. Root's folder is readable for other users. */
export function toolchainCacheRoot(): string {
  return process.getuid?.() === 0 ? '/var/cache/chill-space' : join(homedir(), '.cache', 'chill-space');
}

const POLL_MS = 500;
const NICENESS = 10;
const READABLE_FOLDER = 0o755;

/**
 * Creates `<root>/<name>` with a command of the toolchain, unless it exists; resolves with its
 * path. The command's output becomes the file `index`, with the paths that the sandbox sees. A
 * lock makes other servers wait, and a rename makes the result appear atomically.
 */
export async function prepareToolchain(
  root: string,
  name: string,
  preparation: (directory: string) => PreparationCommand,
): Promise<string> {
  const finished = join(root, name);
  const working = `${finished}.partial`;
  const lock = `${finished}.lock`;
  mkdirSync(root, { recursive: true, mode: READABLE_FOLDER });
  while (!existsSync(join(finished, 'index'))) {
    if (!acquireLock(lock)) {
      await delay(POLL_MS);
      continue;
    }
    try {
      rmSync(working, { recursive: true, force: true });
      mkdirSync(working, { mode: READABLE_FOLDER });
      const command = preparation(working);
      for (const { name, content } of command.files ?? []) writeFileSync(join(working, name), content);
      const printed = await runPreparation(command);
      writeFileSync(join(working, 'index'), printed.replaceAll(working, PREPARED));
      chmodSync(working, READABLE_FOLDER);
      renameSync(working, finished);
    } finally {
      rmSync(lock, { force: true });
    }
  }
  markUsed(finished);
  return finished;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const KEPT_UNUSED_DAYS = 30;

/**
 * Removes prepared versions of a language that no server has used for a month; returns their
 * names. `name` is the version in use. All names start with `language`.
 */
export async function removeUnusedToolchains(root: string, language: string, name: string): Promise<string[]> {
  const unused = readdirSync(root).filter((other) => {
    if (!other.startsWith(`${language}-`) || other === name) return false;
    const index = statSync(join(root, other, 'index'), { throwIfNoEntry: false });
    return index !== undefined && Date.now() - index.mtimeMs > KEPT_UNUSED_DAYS * DAY_MS;
  });
  await Promise.all(unused.map((other) => rm(join(root, other), { recursive: true, force: true })));
  return unused;
}

function markUsed(finished: string): void {
  try {
    utimesSync(join(finished, 'index'), new Date(), new Date());
  } catch {
    // Another user has prepared it, whose servers mark it.
  }
}

/** A lock is a file with the process id of its holder; it is stale once that process has ended. */
function acquireLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    try {
      const holder = Number(readFileSync(path, 'utf8'));
      if (Number.isInteger(holder) && holder > 0 && !existsSync(`/proc/${holder}`)) rmSync(path, { force: true });
    } catch {
      // It was released in between.
    }
    return false;
  }
}

function runPreparation({ argv, env }: PreparationCommand): Promise<string> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const options: SpawnOptionsWithStdioTuple<'ignore', 'pipe', 'pipe'> = {
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
    };
    const child = spawn(program, args, Object.assign(options, { env }));
    if (child.pid !== undefined) beNicer(child.pid, NICENESS);
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    let printed = '';
    let stderrEnd = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderrEnd = (stderrEnd + text).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', end);
      if (code === 0) resolve(printed);
      else reject(new Error(`${program} ended with ${code}: ${stderrEnd}`));
    });
  });
}
