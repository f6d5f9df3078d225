/** How the server's process is started: docs/decisions/0010-heap-flags.md. */
import { join } from 'node:path';
import { projectEnvironment, ROOT } from './bootstrap/setup.mjs';

/**
 * Node's flags for the server: bounds of the heap, which keep it small at no cost in speed, and the
 * function that collects the garbage of the start. V8 uses compiled code only under the flags under
 * which it was compiled.
 */
const SERVER_FLAGS: readonly string[] = ['--max-old-space-size=512', '--max-semi-space-size=4', '--expose-gc'];

/** Node's arguments for the server. */
export const SERVER_ARGUMENTS: readonly string[] = [...SERVER_FLAGS, 'server.ts'];

/** Node's arguments for what compiles the server ahead of its first start. */
export const PRECOMPILE_ARGUMENTS: readonly string[] = [...SERVER_FLAGS, 'scripts/precompile.ts'];

/**
 * The server's environment. Compiled code is kept from the last start, and glibc has two pools of
 * freed memory instead of up to eight per core.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return projectEnvironment({
    NODE_ENV: 'production',
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules', '.cache', 'chill-space'),
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? '2',
  });
}
