import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type RunningServer, startServer } from './harness.ts';

const VERSION = '1.15.2';

/** Portkey's gateway, from npm into a cache folder: a peer that also stands before a model server. */
export async function startPortkey(): Promise<RunningServer> {
  const folder = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'chill-space',
    'bench',
    `portkey-${VERSION}`,
  );
  const entry = join(folder, 'node_modules', '@portkey-ai', 'gateway', 'build', 'start-server.js');
  if (!existsSync(entry)) {
    mkdirSync(folder, { recursive: true });
    const install = spawnSync(
      'npm',
      ['install', '--prefix', folder, '--no-audit', '--no-fund', `@portkey-ai/gateway@${VERSION}`],
      {
        encoding: 'utf8',
      },
    );
    if (install.status !== 0) throw new Error(`Portkey's gateway cannot be installed:\n${install.stderr}`);
  }
  return await startServer([entry, '--port={port}', '--headless'], '/');
}

/** What tells Portkey to pass a request to `base`. */
export function portkeyHeaders(base: string): Record<string, string> {
  return { 'x-portkey-provider': 'openai', 'x-portkey-custom-host': base, authorization: 'Bearer none' };
}
