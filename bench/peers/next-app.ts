import { spawnSync } from 'node:child_process';
import { type RunningServer, startServer } from '../harness.ts';

const NEXT = 'node_modules/next/dist/bin/next';

/** Next's own server with a route that does nothing, and rewrites to `BENCH_PROXY_TARGET`. */
export async function startNextPeer(env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  buildNextPeer(env);
  return await startBuiltNextPeer(env);
}

export function buildNextPeer(env: Readonly<Record<string, string>> = {}): void {
  const build = spawnSync(process.execPath, [NEXT, 'build', 'bench/peers/next'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (build.status !== 0) throw new Error(`the Next peer does not build:\n${build.stdout}${build.stderr}`);
}

export function startBuiltNextPeer(env: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  return startServer([NEXT, 'start', 'bench/peers/next', '-p', '{port}'], '/noop', env);
}
