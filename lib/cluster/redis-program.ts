import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Config } from '#lib/config/config';

const PROGRAMS = ['redis-server', 'valkey-server'] as const;

/** Whether the workers of this machine need a Redis that is started with them. */
export function needsEmbeddedRedis(settings: Pick<Config, 'WORKERS' | 'REDIS_URL'>): boolean {
  return settings.WORKERS > 1 && settings.REDIS_URL === undefined;
}

/** The file of redis-server, or else of valkey-server, in the folders of `path`. */
export function findRedisProgram(path = process.env.PATH ?? ''): string | undefined {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  return PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** What to do where `findRedisProgram` finds none. */
export function noRedisProgram({ WORKERS: count }: Pick<Config, 'WORKERS'>): string {
  return `WORKERS=${count} needs a Redis, and neither redis-server nor valkey-server is installed. Install one (apt-get install redis-server), or set REDIS_URL to a Redis that runs, or WORKERS=1.`;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
