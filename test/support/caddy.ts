import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findCaddy } from '../../scripts/caddy.ts';
import { freePort } from './free-port.ts';

export interface Caddy {
  readonly url: string;
  /** Everything that it wrote so far. */
  readonly output: () => string;
  stop(): Promise<void>;
}

async function binary(): Promise<string> {
  const found = await findCaddy();
  if (found === undefined)
    throw new Error('this needs Caddy: npm test fetches it, or install the Debian package caddy');
  return found;
}

/** Rejects with what `caddy validate` complains about. */
export async function validateCaddyfile(path: string): Promise<void> {
  await promisify(execFile)(await binary(), ['validate', '--adapter', 'caddyfile', '--config', path]);
}

/**
 * A real Caddy with `caddyfile`, on a free port of loopback, without certificates and without its
 * administration.
 */
export async function startCaddy(caddyfile: string): Promise<Caddy> {
  const program = await binary();
  const folder = mkdtempSync(join(tmpdir(), 'chill-space-caddy-'));
  const port = await freePort();
  const config = join(folder, 'Caddyfile');
  writeFileSync(config, `{\n\tadmin off\n\tauto_https off\n}\n\n${caddyfile}`);
  const child = spawn(program, ['run', '--adapter', 'caddyfile', '--config', config], {
    env: { PATH: process.env.PATH, HOME: folder, SITE_ADDRESS: `http://127.0.0.1:${port}`, NODE_ENV: 'test' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  for (let attempt = 0; !(await listens(port)); attempt++) {
    if (child.exitCode !== null || attempt > 200) throw new Error(`Caddy does not run:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(force);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}
