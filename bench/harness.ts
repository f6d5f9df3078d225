/**
 * What every table of `bench/` is made with: servers as child processes, load by wrk, medians over
 * rounds taken in turn. Absolute times are noise on a shared machine; the ratios between what was
 * measured in the same round are the result.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_ARGUMENTS, serverEnvironment } from '../scripts/server-process.ts';

export interface Table {
  title: string;
  /** What was done, in a sentence or two: enough to do it again. */
  method: string;
  columns: string[];
  rows: string[][];
  /** Goal by goal: what was aimed at, what came out, and whether it holds. */
  verdicts: { goal: string; result: string; met: boolean }[];
}

export interface Benchmark {
  name: string;
  run: () => Promise<Table>;
}

export interface Load {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  errors: number;
}

const scratch = mkdtempSync(join(tmpdir(), 'chill-space-bench-'));
const children = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

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
  stop: () => Promise<void>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The server as `npm start` starts it. */
export function startApp(env: Environment = {}): Promise<RunningServer> {
  return startServer(SERVER_ARGUMENTS, '/health', { ...serverEnvironment(), ...env });
}

/** Starts a Node program and waits until `path` responds. `args` may hold `{port}`. */
export async function startServer(
  args: readonly string[],
  path: string,
  env: Environment = {},
): Promise<RunningServer> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(
    process.execPath,
    args.map((arg) => arg.replace('{port}', String(port))),
    {
      env: {
        ...process.env,
        NODE_ENV: 'production',
        NEXT_TELEMETRY_DISABLED: '1',
        PORT: String(port),
        HOST: '127.0.0.1',
        NODE_COMPILE_CACHE: join('node_modules', '.cache', 'chill-space'),
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  children.add(child);
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  const url = `http://127.0.0.1:${port}`;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (;;) {
    if (child.exitCode !== null || performance.now() - began > START_TIMEOUT_MS)
      throw new Error(`${args.join(' ')} did not start:\n${complaints}`);
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
  const startedMs = performance.now() - began;
  if (child.pid === undefined) throw new Error('a started server has a process id');
  return {
    url,
    pid: child.pid,
    startedMs,
    stop: async () => {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5000);
      await ended;
      clearTimeout(force);
      children.delete(child);
    },
  };
}

const START_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 10;

/**
 * Load by wrk (Debian package `wrk`), one thread: POSTs `body`, or GETs without one, for `seconds`
 * over `connections`. Several bodies are sent in turn.
 */
export function wrk(
  url: string,
  body: string | readonly string[] | undefined,
  connections: number,
  seconds: number,
  headers: Record<string, string> = {},
): Load {
  const all = { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers };
  const bodies = typeof body === 'object' ? body : undefined;
  const script = scratchFile(
    'post.lua',
    [
      ...(body === undefined ? [] : ['wrk.method = "POST"']),
      ...(typeof body === 'string' ? [`wrk.body = ${JSON.stringify(body)}`] : []),
      ...Object.entries(all).map(([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`),
      ...(bodies === undefined ? [] : inTurn(bodies)),
      'done = function(summary, latency) io.write(string.format("RESULT %f %f %f %d\\n",',
      '  summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000,',
      '  summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout)) end',
    ].join('\n'),
  );
  const result = spawnSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url], {
    encoding: 'utf8',
  });
  if (result.error !== undefined) throw new Error('wrk is needed for this table: apt-get install wrk');
  const found = /RESULT (\S+) (\S+) (\S+) (\S+)/.exec(result.stdout);
  if (found === null) throw new Error(`wrk said nothing that can be read:\n${result.stdout}${result.stderr}`);
  const [requestsPerSecond = 0, p50Ms = 0, p99Ms = 0, errors = 0] = found.slice(1).map(Number);
  return { requestsPerSecond, p50Ms, p99Ms, errors };
}

/** Lua for wrk that sends ready requests in turn: formatting one costs more than sending it. */
function inTurn(bodies: readonly string[]): string[] {
  return [
    'local requests, at = {}, 0',
    `local bodies = { ${bodies.map((body) => JSON.stringify(body)).join(', ')} }`,
    'init = function()',
    '  for place, body in ipairs(bodies) do requests[place] = wrk.format(nil, nil, nil, body) end',
    'end',
    'request = function()',
    '  at = at % #requests + 1',
    '  return requests[at]',
    'end',
  ];
}

/** Processor time of one process so far, in ms, from proc(5)'s stat. */
export function processorMs(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?!.*\) )/s);
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return ((user + system) * 1000) / TICKS_PER_SECOND;
}

/** Of Linux, on all platforms that Node supports. */
const TICKS_PER_SECOND = 100;

/** Resident memory of one process, in MB (1e6 bytes), from /proc. */
export function residentMb(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) * 1024) / 1e6;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
