import type { Status } from '#lib/runner/sandbox/bubblewrap-report';
import type { Cgroup, Usage } from '#lib/runner/sandbox/cgroup';
import type { Running } from '#lib/runner/sandbox/supervision';

/** A sandbox that was started. */
export interface Box extends Running, Status {
  /** Rejects where it could not be put into its control group; then nothing runs in it. */
  confined: Promise<void>;
  cgroup: Cgroup | undefined;
  usage: () => Usage;
  residentBytes: () => number;
}

/** From when on a program's time counts, and what was used before it. */
export interface Since {
  startedAt: number;
  cpuMs: number;
}
