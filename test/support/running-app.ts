import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from '../../scripts/bootstrap/setup.mjs';
import { freePort } from './free-port.ts';
import { INSTANCES, startInstances } from './instances.ts';

export interface RunningApp {
  url: string;
  /** Throws where it is several processes. */
  readonly pid: number;
  /** Everything that it wrote so far, on both streams. */
  output: () => string;
  /**
   * Ends it by SIGTERM, and resolves with its exit code; by SIGKILL where it does not end within
   * `deadlineMs`.
   */
  stop: (deadlineMs?: number) => Promise<number | null>;
  /** Ends it at once, as a crash or a power cut of the program does. */
  kill: () => Promise<unknown>;
  /** Resolves with the exit code when it ends by itself. */
  ended: Promise<number | null>;
}

/**
 * Compiled code of the servers of all tests, as `npm start` keeps it. Outside of node_modules,
 * which a test copies while others run.
 */
const COMPILED = join(ROOT, '.cache', 'compiled-for-tests');

/**
 * Settings of a server that is to run no programs. One that may looks for seven languages when it
 * starts, each in a sandbox: half a second of processor time.
 */
export const NO_PROGRAMS = { CODE_LANGUAGES: 'bash' };

const NEXT = 'node_modules/next/dist/bin/next';
const COMMANDS = {
  server: (_port: number) => ['server.ts'],
  'next start': (port: number) => [NEXT, 'start', '-p', String(port), '-H', '127.0.0.1'],
  'next dev': (port: number) => [NEXT, 'dev', '-p', String(port), '-H', '127.0.0.1'],
};

/**
 * A quiet app on `env`'s port of loopback, or a free one, with the embedded model and no rate
 * limits unless `env` says otherwise. With TEST_INSTANCES it is several servers behind a front.
 */
export async function startApp(
  mode: keyof typeof COMMANDS,
  env: Record<string, string> = {},
  cwd = process.cwd(),
): Promise<RunningApp> {
  const isOne = mode !== 'server' || INSTANCES === 1 || env.REDIS_URL !== undefined || env.WORKERS !== undefined;
  if (isOne) return await startInstance(mode, env, cwd);
  return await startInstances(env, (own) => startInstance(mode, own, cwd));
}

async function startInstance(
  mode: keyof typeof COMMANDS,
  env: Record<string, string>,
  cwd: string,
): Promise<RunningApp> {
  const port = env.PORT === undefined ? await freePort() : Number(env.PORT);
  const app = launch(COMMANDS[mode](port), { PORT: String(port), ...env }, 'pipe', cwd);
  return await whenServing(`http://127.0.0.1:${port}`, app);
}

/** The app once it responds. Throws with all its output if it ends before. */
export async function whenServing<T extends Pick<RunningApp, 'output' | 'ended'>>(
  url: string,
  app: T,
): Promise<T & { url: string }> {
  for (;;) {
    const ended = await Promise.race([
      app.ended.then(() => true),
      new Promise<false>((resolve) => setTimeout(resolve, 50, false)),
    ]);
    if (ended) throw new Error(`the app ended before it answered:\n${app.output()}`);
    const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
    await health?.body?.cancel();
    if (health?.ok === true) return { url, ...app };
  }
}

/**
 * Starts a program of the project, in the folder `cwd`, without waiting for a response. Its
 * database is its own, and is deleted with it, unless `env` has a `DATA_DIR`.
 */
export function launch(
  args: string[],
  env: Record<string, string> = {},
  /** Where standard output goes. */
  output: 'pipe' | number = 'pipe',
  cwd = process.cwd(),
): Omit<RunningApp, 'url'> {
  // What Vitest sets for itself would change how the app behaves.
  const { VITEST: _vitest, NODE_OPTIONS: _options, ...inherited } = process.env;
  const dataDir = env.DATA_DIR ?? mkdtempSync(join(tmpdir(), 'chill-space-app-'));
  const child: ChildProcess = spawn(process.execPath, args, {
    cwd,
    env: {
      ...inherited,
      NODE_ENV: args.includes('dev') ? 'development' : 'production',
      HOST: '127.0.0.1',
      MODEL_PROVIDER: 'embedded',
      RATE_LIMIT_CHAT: '0',
      RATE_LIMIT_CODE: '0',
      SHUTDOWN_DELAY_MS: '0',
      NEXT_TELEMETRY_DISABLED: '1',
      ...(args.includes('server.ts') && { NODE_COMPILE_CACHE: COMPILED }),
      DATA_DIR: dataDir,
      ...env,
    },
    stdio: ['ignore', output, 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      if (env.DATA_DIR === undefined) rmSync(dataDir, { recursive: true, force: true });
      resolve(code);
    }),
  );
  return {
    pid: child.pid ?? -1,
    output: () => Buffer.concat(chunks).toString(),
    ended,
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
    stop: async (deadlineMs = 15_000) => {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
      const code = await ended;
      clearTimeout(force);
      refuseLeak(Buffer.concat(chunks).toString(), env);
      return code;
    },
  };
}

/** The settings whose values must not appear in a log. */
const SECRET_SETTINGS = ['API_KEYS', 'HF_TOKEN', 'OPENAI_API_KEY', 'EXECUTOR_API_KEY'];

/**
 * Every app of every test is held to this when it is stopped: nothing that it wrote has a secret
 * in it that it was given.
 */
function refuseLeak(output: string, env: Record<string, string>): void {
  for (const name of SECRET_SETTINGS)
    for (const secret of env[name]?.split(',') ?? [])
      if (secret !== '' && output.includes(secret)) throw new Error(`the app wrote its ${name} where it can be read`);
}
