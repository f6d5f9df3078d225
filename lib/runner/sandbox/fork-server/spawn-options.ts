import { getPriority, setPriority } from 'node:os';
/** What every process has that is started for a sandbox. */

/** bubblewrap is pid 1 inside at first, and its environment could be read there. */
export const NO_ENVIRONMENT: NodeJS.ProcessEnv = Object.create(null);
/** Programs yield to the server that watches them. */
const NICENESS = 5;

/**
 * Lowers the priority of a process, this one by default. One that is as low or lower is left alone:
 * to raise it takes rights.
 */
export function beNicer(pid = 0, niceness = NICENESS): void {
  if (getPriority(pid) < niceness) setPriority(pid, niceness);
}

/** Overwrites what this process itself inherited; a descriptor that is in use for this spawn already is one of ours. */
export function coverInherited(
  stdio: (number | 'pipe' | 'ignore')[],
  inherited: readonly number[],
  nothing: number,
): void {
  for (const fd of inherited) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (stdio[fd] === 'ignore') stdio[fd] = nothing;
  }
}
