import { execFile, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, chownSync, constants, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostgresServer {
  /** An empty database for each call. */
  createDatabase: () => Promise<string>;
  /** Ends it without waiting for its clients, as a crash of the machine would. */
  kill: () => Promise<void>;
  /** Starts it again after `kill`, on the same files. */
  restart: () => Promise<void>;
  /** Ends it, and deletes its files. */
  close: () => Promise<void>;
}

/**
 * A real Postgres server on a Unix socket in a temporary folder. Throws a sentence that says what
 * to install where it is missing.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = findPrograms();
  const owner = ownerOf();
  const folder = mkdtempSync(join(tmpdir(), 'pg-'));
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
  const options = { cwd: folder, ...owner };
  const data = join(folder, 'data');
  await run(join(bin, 'initdb'), ['-D', data, '-U', 'test', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'], options);
  let server = await serve(bin, data, folder, options);
  let databases = 0;
  return {
    createDatabase: async () => {
      const name = `store_${++databases}`;
      await run(join(bin, 'createdb'), ['-h', folder, '-U', 'test', name], options);
      return `postgres://test@localhost/${name}?host=${encodeURIComponent(folder)}`;
    },
    kill: () => server.end('SIGQUIT'),
    restart: async () => {
      server = await serve(bin, data, folder, options);
    },
    close: async () => {
      await server.end('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function serve(bin: string, data: string, folder: string, options: SpawnOptions) {
  const settings = ['listen_addresses=', `unix_socket_directories=${folder}`, 'shared_buffers=16MB'];
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Postgres did not start:\n${output}`);
    const isReady = await run(join(bin, 'pg_isready'), ['-h', folder, '-U', 'test', '-d', 'postgres']).then(
      () => true,
      () => false,
    );
    if (isReady) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    end: async (signal: NodeJS.Signals) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** Debian keeps the server's programs out of the path. */
function findPrograms(): string {
  const root = '/usr/lib/postgresql';
  const versions = list(root).sort((one, other) => Number(other) - Number(one));
  const folders = [...versions.map((version) => join(root, version, 'bin')), ...(process.env.PATH ?? '').split(':')];
  const found = folders.find((folder) =>
    ['initdb', 'postgres', 'pg_isready'].every((name) => isProgram(join(folder, name))),
  );
  if (found !== undefined) return found;
  throw new Error('These tests need Postgres 15 or newer: apt-get install postgresql');
}

/** Postgres refuses to run as root. */
function ownerOf(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [, , uid, gid] =
    readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === 'postgres') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('There is no user postgres: apt-get install postgresql makes it');
  return { uid: Number(uid), gid: Number(gid) };
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
