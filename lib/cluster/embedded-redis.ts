import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { parseInfo } from '#lib/cluster/start-checks';
import { parseRedisUrl } from '#lib/config/redis-url';
import { asError } from '#lib/errors';
import { makeFolder } from '#lib/make-folder';
import { MINUTE_MS, SECOND_MS } from '#lib/units';

/** It reads its append-only file first. */
const START_TIMEOUT_MS = MINUTE_MS;
/** It syncs its append-only file first. */
const STOP_TIMEOUT_MS = 10 * SECOND_MS;
const RETRY_MS = 25;
const REPLY_TIMEOUT_MS = 2 * SECOND_MS;
const OUTPUT_CHARS = 4_000;
/** Of `sockaddr_un`, without the zero at its end. */
const MAX_SOCKET_BYTES = process.platform === 'linux' ? 107 : 103;
/** The name of the connection that each supervisor holds: without it, a Redis is orphaned. */
const SUPERVISOR = 'chill-space-supervisor';

/** Why a Redis cannot be started, as a sentence for the operator. */
export class EmbeddedRedisFailure extends Error {
  override name = 'EmbeddedRedisFailure';
}

/** Where the Redis of the workers of one `DATA_DIR` has its files. */
export interface EmbeddedRedisFiles {
  readonly folder: string;
  readonly socket: string;
  readonly pidFile: string;
  /** For `REDIS_URL`. */
  readonly url: string;
}

/** How a Redis ended. */
export interface RedisEnd {
  readonly how: string;
  /** The last line that it wrote. */
  readonly lastLine: string | undefined;
}

export interface EmbeddedRedis {
  readonly pid: number;
  /** Resolves when it has ended, by `stop` or not. */
  readonly ended: Promise<RedisEnd>;
  /** Ends it. What it has is on disk then. */
  stop(): Promise<void>;
}

/** Throws `EmbeddedRedisFailure` for a folder that a Unix socket cannot be in. */
export function embeddedRedisFiles(dataDir: string): EmbeddedRedisFiles {
  const folder = join(dataDir, 'redis');
  const socket = join(folder, 'redis.sock');
  const url = `unix://${socket}`;
  if (Buffer.byteLength(socket) > MAX_SOCKET_BYTES || parseRedisUrl(url)?.path !== socket)
    throw new EmbeddedRedisFailure(
      `DATA_DIR is ${dataDir}, and a Unix socket in it would be ${socket}: that must be at most ${MAX_SOCKET_BYTES} bytes long, without ? and #. Set a shorter DATA_DIR, or REDIS_URL.`,
    );
  return { folder, socket, pidFile: join(folder, 'redis.pid'), url };
}

/**
 * Starts a Redis that listens on a Unix socket alone, in a folder for this user alone, with an
 * append-only file. Resolves when it responds. A Redis that a killed supervisor has left there is
 * ended first. Rejects with `EmbeddedRedisFailure`.
 */
export async function startEmbeddedRedis(
  program: string,
  files: EmbeddedRedisFiles,
  maxMemoryMb: number,
): Promise<EmbeddedRedis> {
  makePrivateFolder(files.folder);
  await endOrphan(files.socket);
  const { PATH, TZ } = process.env;
  const child = spawn(program, redisArguments(files, maxMemoryMb), {
    cwd: files.folder,
    // Its own process group: the terminal's Ctrl-C is not for it.
    detached: true,
    // No keys and addresses.
    env: { NODE_ENV: 'production', PATH, TZ },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const running = new RunningRedis(child, files.socket);
  try {
    await running.untilReady();
    return running;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

function redisArguments({ folder, socket, pidFile }: EmbeddedRedisFiles, maxMemoryMb: number): string[] {
  return [
    ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'],
    ...['--dir', folder, '--pidfile', pidFile, '--daemonize', 'no', '--logfile', '', '--loglevel', 'warning'],
    ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ...['--maxmemory', `${maxMemoryMb}mb`, '--maxmemory-policy', 'noeviction'],
  ];
}

class RunningRedis implements EmbeddedRedis {
  readonly pid: number;
  readonly ended: Promise<RedisEnd>;
  readonly #child: ChildProcess;
  readonly #client: Redis;
  #output = '';
  #hasEnded = false;

  constructor(child: ChildProcess, socket: string) {
    this.#child = child;
    this.pid = child.pid ?? -1;
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARS);
      });
    this.#client = new Redis({
      ...connection(socket),
      connectionName: SUPERVISOR,
      retryStrategy: () => (this.#hasEnded ? null : RETRY_MS),
    });
    // It is tried again until the server listens; the end of its process is reported.
    this.#client.on('error', () => {});
    const killAtExit = () => child.kill('SIGTERM');
    process.once('exit', killAtExit);
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#hasEnded = true;
        process.off('exit', killAtExit);
        this.#client.disconnect();
        resolve({ how, lastLine: lastLineOf(this.#output) });
      };
      child.once('error', (error) => end(error.message));
      child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
  }

  async untilReady(): Promise<void> {
    const ready = new Promise<'ready'>((resolve) => this.#client.once('ready', () => resolve('ready')));
    this.#client.connect().catch(() => {
      // The first try may be too early: `retryStrategy` has the others.
    });
    const timeout = new AbortController();
    const late = delay(START_TIMEOUT_MS, 'late' as const, { signal: timeout.signal });
    // Aborted where another one is first.
    late.catch(() => undefined);
    const first = await Promise.race([ready, this.ended, late]);
    timeout.abort();
    if (first === 'late')
      throw new EmbeddedRedisFailure(
        `The redis-server of WORKERS does not respond after ${START_TIMEOUT_MS / SECOND_MS} seconds.${inBrackets(lastLineOf(this.#output))}`,
      );
    if (first !== 'ready')
      throw new EmbeddedRedisFailure(
        `The redis-server of WORKERS ended when it was started: ${first.how}.${inBrackets(first.lastLine)}`,
      );
    // Two that start at once replace each other's socket.
    const responds = parseInfo(await this.#client.info('server').catch(unresponsive)).get('process_id');
    if (responds !== String(this.pid)) throw new EmbeddedRedisFailure(IN_USE);
  }

  async stop(): Promise<void> {
    this.#client.disconnect();
    if (this.#hasEnded) return;
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.ended;
    clearTimeout(kill);
  }
}

const IN_USE =
  'Another server with WORKERS uses the Redis in this DATA_DIR. Give each a DATA_DIR, or all of them the same REDIS_URL.';

/** Ends the Redis of a supervisor that was killed. */
async function endOrphan(socket: string): Promise<void> {
  const client = new Redis({ ...connection(socket), enableReadyCheck: false, retryStrategy: () => null });
  client.on('error', () => {
    // Each call below rejects with it.
  });
  try {
    if (!(await responds(client))) return;
    const clients = String(await client.client('LIST').catch(unresponsive));
    if (clients.includes(`name=${SUPERVISOR} `)) throw new EmbeddedRedisFailure(IN_USE);
    const closed = new Promise<void>((resolve) => client.once('end', () => resolve()));
    // Its response is that the connection ends.
    client.shutdown().catch(() => undefined);
    await Promise.race([closed, delay(STOP_TIMEOUT_MS, undefined, { ref: false })]);
    // The process goes on for a moment, and removes the socket last.
    await delay(RETRY_MS);
  } finally {
    client.disconnect();
  }
}

/** Whether anything listens. A socket that a killed server has left refuses connections. */
async function responds(client: Redis): Promise<boolean> {
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  }
}

function unresponsive(error: unknown): never {
  throw new EmbeddedRedisFailure(
    `The Redis in this DATA_DIR does not respond (${asError(error).message}). End it, and start again.`,
  );
}

function connection(path: string) {
  return {
    path,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: REPLY_TIMEOUT_MS,
    commandTimeout: REPLY_TIMEOUT_MS,
  };
}

function makePrivateFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    const { code = 'failed' }: NodeJS.ErrnoException = asError(error);
    throw new EmbeddedRedisFailure(
      `${folder}, where the Redis of WORKERS keeps its data, cannot be made (${code}). Set DATA_DIR to a folder that this user may write to, or REDIS_URL.`,
    );
  }
}

function lastLineOf(output: string): string | undefined {
  return output.trimEnd().split('\n').at(-1)?.trim() || undefined;
}

function inBrackets(line: string | undefined): string {
  return line === undefined ? '' : ` Its last line: ${line}`;
}
