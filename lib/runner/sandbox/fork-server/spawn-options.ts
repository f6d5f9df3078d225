import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Options shared by all processes that are started for a sandbox. */

/** bubblewrap is pid 1 inside at first, where its environment can be read. */
export const NO_ENVIRONMENT: NodeJS.ProcessEnv = Object.create(null);
/** Programs yield the processor to the server that watches them. */
const NICENESS = 5;
const O_CLOEXEC = 0o2000000;

/**
 * Lowers the priority of a process, this one by default. Never raises it: that needs privileges.
 */
export function beNicer(pid = 0, niceness = NICENESS): void {
  if (getPriority(pid) < niceness) setPriority(pid, niceness);
}

/**
 * Finds descriptors that the parent of this process left open for its children. Node passes them
 * to each process that it spawns, and bubblewrap to the program.
 */
export function inheritedDescriptors(): number[] {
  const inherited: number[] = [];
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd < 3) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) inherited.push(fd);
    } catch {
      // The descriptor of this listing is closed by now.
    }
  }
  return inherited;
}

/** Replaces inherited descriptors by `nothing`, except where `stdio` uses their number already. */
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
