/**
 * What set-up needs before anything is installed. Plain JavaScript without packages: this folder
 * runs on the machine's own Node (OLDEST_NODE or newer).
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeComplaint } from './node-version.mjs';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const BIN = join(ROOT, 'node_modules', '.bin');
/** Held by the one start that installs or builds. */
export const LOCK = join(ROOT, '.cache', 'set-up.lock');

/** A failure whose message is all that the operator needs. */
export class SetupError extends Error {}

/**
 * One sentence for a file operation that this user may not do on `file`, such as a start by root
 * before; undefined for other errors.
 *
 * @param {any} error
 * @param {string} [file]
 * @returns {string | undefined}
 */
export function deniedComplaint(error, file = error?.path) {
  if (file === undefined) return undefined;
  if (error.code === 'EROFS') return `${file} is on a file system that cannot be written to.`;
  if (error.code !== 'EACCES' && error.code !== 'EPERM') return undefined;
  return `${file}, or its folder, belongs to another user: remove it, or run this as its owner.`;
}

/**
 * Writes a line for the operator to standard error.
 *
 * @param {string} line
 */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/**
 * The environment in which the project's own Node 24 and tools come first, without the options of
 * another Node.
 *
 * @param {Record<string, string | undefined>} [extra]
 * @returns {NodeJS.ProcessEnv}
 */
export function projectEnvironment(extra = {}) {
  /** @type {NodeJS.ProcessEnv} */
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

/**
 * Loads `.env` for set-up and for everything that it starts. Variables of the environment win.
 */
export function loadDotEnv() {
  const file = join(ROOT, '.env');
  if (existsSync(file)) process.loadEnvFile(file);
}

/**
 * Runs a program to its end and resolves with its exit code; −1 where it could not be started. A
 * signal that ends this process ends the program first. `giveUp` kills it.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions & {
 *   onOutput?: (chunk: Buffer) => void,
 *   onSpawn?: (pid: number) => void,
 *   giveUp?: AbortSignal,
 * }} [options]
 * @returns {Promise<number>}
 */
export function run(command, args, { onOutput, onSpawn, giveUp, ...options } = {}) {
  return new Promise((resolve) => {
    let asked;
    const pass = (signal) => {
      asked = signal;
      child.kill(signal);
    };
    // Before the program starts: a signal in between would end this process and leave the program.
    for (const signal of ENDING) process.on(signal, pass);
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
    const kill = () => child.kill('SIGKILL');
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

/** The signals that ask a process to end. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Ends this process as usual on a signal that would kill it, so that its `exit` listeners run. A
 * program that `run` waits for ends first. Returns what ends this again.
 *
 * @returns {() => void}
 */
export function exitOnSignals() {
  const end = (signal) => {
    // `run` passes the signal on, and ends this process after the program.
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  };
  for (const signal of ENDING) process.on(signal, end);
  return () => {
    for (const signal of ENDING) process.off(signal, end);
  };
}

/**
 * The SHA-256 of some parts, in hexadecimal.
 *
 * @param {Iterable<string | NodeJS.ArrayBufferView>} parts
 * @returns {string}
 */
export function hash(parts) {
  const sum = createHash('sha256');
  for (const part of parts) sum.update(part).update('\0');
  return sum.digest('hex');
}
