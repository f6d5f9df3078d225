/** What every table of `bench/` is made with: its shape, and servers as child processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_ARGUMENTS, serverEnvironment } from '../scripts/server-process.ts';
import { freePort } from '../test/support/free-port.ts';

export interface Table {
  title: string;
  /** What was done, in a sentence or two: enough to do it again. */
  method: string;
  columns: string[];
  rows: string[][];
  /** Goal by goal: what was aimed at, what came out, and whether it holds. */
  verdicts: Verdict[];
  /** Peers that this machine does not have, each with the reason. */
  skipped?: string[];
}

export interface Verdict {
  goal: string;
  result: string;
  met: boolean;
}

export interface Benchmark {
  name: string;
  run: () => Promise<Table>;
  /** Takes so long that it runs only when it is named. */
  isLong?: boolean;
}

const scratch = mkdtempSync(join(tmpdir(), 'chill-space-bench-'));
const children = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

// A signal alone would end this process without the above.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

export function scratchFile(name: string, content: string | Uint8Array): string {
  const file = join(scratch, name);
  writeFileSync(file, content);
  return file;
}

/** A directory, which goes with the process. */
export function scratchDirectory(name: string): string {
  const directory = join(scratch, name);
  mkdirSync(directory);
  return directory;
}

export interface RunningServer {
  url: string;
  pid: number;
  /** From its start to its first response. */
  startedMs: number;
  /** The last 4,000 characters that it wrote to its standard error. */
  stderr: () => string;
  /** Ends it by SIGTERM; by SIGKILL if it has not ended after `deadlineMs`, usually 5 s. */
  stop: (deadlineMs?: number) => Promise<void>;
  /** Ends it without warning. */
  kill: () => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface ProgramOptions {
  /** In place of a free one. */
  port?: number;
  /** A file to which all its output is appended; without it, standard output is lost. */
  log?: string;
}

/** The server as `npm start` starts it. */
export function startApp(env: Environment = {}, options: ProgramOptions = {}): Promise<RunningServer> {
  return startServer(SERVER_ARGUMENTS, '/health', { ...serverEnvironment(), ...env }, options);
}

/** Starts a Node program and waits until `path` responds. `args` may hold `{port}`. */
export function startServer(
  args: readonly string[],
  path: string,
  env: Environment = {},
  options: ProgramOptions = {},
): Promise<RunningServer> {
  const own = {
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
    NODE_COMPILE_CACHE: join('node_modules', '.cache', 'chill-space'),
  };
  return startProgram(process.execPath, args, path, { ...own, ...env }, options);
}

/**
 * Starts any program and waits until `path` responds. `args` and `env` may hold `{port}`, or the
 * arguments are made for a port.
 */
export async function startProgram(
  program: string,
  args: readonly string[] | ((port: number) => readonly string[]),
  path: string,
  env: Environment = {},
  { port: given, log }: ProgramOptions = {},
): Promise<RunningServer> {
  const port = given ?? (await freePort());
  const filled = (text: string) => text.replace('{port}', String(port));
  const made = typeof args === 'function' ? args(port) : args.map(filled);
  const began = performance.now();
  // A new database, so that no run reads what another stored.
  const dataDir = mkdtempSync(join(tmpdir(), 'chill-space-bench-'));
  const child = spawn(program, made, {
    env: {
      ...process.env,
      DATA_DIR: dataDir,
      HOST: '127.0.0.1',
      ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value && filled(value)])),
      PORT: String(port),
    },
    stdio: ['ignore', log === undefined ? 'ignore' : 'pipe', 'pipe'],
  });
  children.add(child);
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-4000);
  });
  if (log !== undefined)
    for (const output of [child.stdout, child.stderr])
      output?.on('data', (chunk: Buffer) => appendFileSync(log, chunk));
  child.on('error', (error) => {
    stderr += error.message;
  });
  const url = `http://127.0.0.1:${port}`;
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      children.delete(child);
      rmSync(dataDir, { recursive: true, force: true });
      resolve();
    }),
  );
  for (;;) {
    if (child.pid === undefined || child.exitCode !== null || performance.now() - began > START_TIMEOUT_MS) {
      child.kill('SIGKILL');
      throw new Error(`${program} ${made.join(' ')} did not start:\n${stderr}`);
    }
    const responded = await fetch(url + path, { signal: AbortSignal.timeout(2000) }).then(
      async (response) => {
        await response.body?.cancel();
        return true;
      },
      () => false,
    );
    if (responded) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return {
    url,
    pid: child.pid,
    startedMs: performance.now() - began,
    stderr: () => stderr,
    stop: async (deadlineMs = 5_000) => {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      await ended;
      clearTimeout(force);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const START_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 10;
