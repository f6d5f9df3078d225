import { type EnsureOptions, ensureProgram, findProgram } from './debian-program.ts';

/** A real Caddy for the tests. */
const CADDY = { name: 'caddy', path: '/usr/bin/caddy', version: ['version'] };

/** The binary's path; undefined without one. */
export function findCaddy(env: NodeJS.ProcessEnv = process.env): Promise<string | undefined> {
  return findProgram(CADDY, env);
}

/** Resolves to the binary's path, or to undefined after it has logged the reason. */
export function ensureCaddy(options?: EnsureOptions): Promise<string | undefined> {
  return ensureProgram(CADDY, options);
}
