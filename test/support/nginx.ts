import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNginx } from '../../scripts/nginx.ts';
import { freePort } from './free-port.ts';
import { proxySite, temporaryPaths } from './nginx-site.ts';

/**
 * A real nginx in front of `backend`, as one would set it up for the same purpose: unbuffered both
 * ways, with a pool of kept connections. Or as `site` says, a file for `conf.d` whose addresses
 * are put in place of.
 */
export async function startNginx(
  backend: string,
  site?: string,
): Promise<{ url: string; port: number; stop: () => Promise<void> }> {
  const binary = await findNginx();
  if (binary === undefined)
    throw new Error('this needs nginx: npm test fetches it, or install the Debian package nginx');
  const folder = mkdtempSync(join(tmpdir(), 'chill-space-nginx-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, new URL(backend).host, site));
  const child = spawn(binary, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      complaints += error.message;
      resolve();
    });
    child.once('exit', () => resolve());
  });
  for (let attempt = 0; !(await listens(port)); attempt++) {
    if (child.exitCode !== null || child.pid === undefined || attempt > 200)
      throw new Error(`nginx does not run (Debian package nginx): ${complaints}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
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

function configuration(
  folder: string,
  port: number,
  backend: string,
  site = `keepalive_requests 1000000000; ${proxySite(port, backend)}`,
): string {
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporaryPaths(folder)}
  ${site.replace(/listen 80;/, `listen 127.0.0.1:${port};`).replace(/server 127\.0\.0\.1:3000;/, `server ${backend};`)}
}
`;
}
