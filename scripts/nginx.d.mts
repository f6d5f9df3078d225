export function keptNginx(env?: NodeJS.ProcessEnv): string;
export function findNginx(env?: NodeJS.ProcessEnv): Promise<string | undefined>;
export function ensureNginx(options?: {
  log?: (line: string) => void;
  env?: NodeJS.ProcessEnv;
}): Promise<string | undefined>;
