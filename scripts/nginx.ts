import { type EnsureOptions, ensureProgram, findProgram, keptProgram } from './debian-program.ts';

/** A real nginx for the tests and the benchmarks. */
const NGINX = { name: 'nginx', path: '/usr/sbin/nginx', version: ['-v'] };

/** Where the unpacked one is kept. */
export function keptNginx(env: NodeJS.ProcessEnv = process.env): string {
  return keptProgram(NGINX, env);
}

/** The binary's path; undefined without one. */
export function findNginx(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  return findProgram(NGINX, env);
}

/** Resolves to the binary's path, or to undefined after it has logged the reason. */
export function ensureNginx(options?: EnsureOptions): Promise<string | undefined> {
  return ensureProgram(NGINX, options);
}
