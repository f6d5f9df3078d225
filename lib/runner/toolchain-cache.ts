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

/** Where what was prepared is kept from one start to the next. Root's is where sandboxes of another user can read it. */
export function toolchainCacheRoot(): string {
  return process.getuid?.() === 0 ? '/var/cache/chill-space' : join(homedir(), '.cache', 'chill-space');
}

const POLL_MS = 500;
const NICENESS = 10;
const READABLE_FOLDER = 0o755;

/**
 * Makes `<root>/<name>` by running a toolchain's own command, if it is not there yet; resolves with its path. What the command
 * prints is kept beside what it made, as `index`, with the paths as the sandbox sees them. Several servers may ask at once: one
 * works, the others wait for it. It appears whole or not at all.
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
      const wanted = preparation(working);
      for (const { name, content } of wanted.files ?? []) writeFileSync(join(working, name), content);
      const printed = await runPreparation(wanted);
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
 * Removes what was prepared for other versions of the same language, once no server has begun with it for a month. Returns their
 * names. `name` is the one in use; both begin with `language`.
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
    // Another user's, who prepared it and marks it.
  }
}

/** A lock is a file with its holder's process id; one whose holder is gone is free. */
function acquireLock(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    try {
      const holder = Number(readFileSync(path, 'utf8'));
      if (Number.isInteger(holder) && holder > 0 && !existsSync(`/proc/${holder}`)) rmSync(path, { force: true });
    } catch {
      // It was given back in between.
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
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-2000);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('exit', end);
      if (code === 0) resolve(printed);
      else reject(new Error(`${program} ended with ${code}: ${complaint}`));
    });
  });
}
