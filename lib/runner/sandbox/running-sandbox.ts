import type { StatusStream } from '#lib/runner/sandbox/bubblewrap/status';
import type { Cgroup, CgroupUsage } from '#lib/runner/sandbox/cgroup';
import type { SupervisedProcess } from '#lib/runner/sandbox/supervision';

/** A sandbox that was started. */
export interface RunningSandbox extends SupervisedProcess, StatusStream {
  /** Rejects where it could not be put into its control group; then nothing runs in it. */
  confined: Promise<void>;
  cgroup: Cgroup | undefined;
  usage: () => CgroupUsage;
  residentBytes: () => number;
}

/** From when on a program's time counts, and what was used before it. */
export interface Baseline {
  startedAt: number;
  cpuMs: number;
}
