import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Whether a user without any privileges can read what is at `path`. */
export function isWorldReadable(path: string): boolean {
  const target = realpathSync(path);
  const READ = 0o004;
  const ENTER = 0o001;
  if ((statSync(target).mode & READ) === 0) return false;
  for (let directory = dirname(target); ; directory = dirname(directory)) {
    if ((statSync(directory).mode & ENTER) === 0) return false;
    if (directory === '/') return true;
  }
}
