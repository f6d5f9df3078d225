import type { StatusStream } from '#lib/runner/sandbox/bubblewrap/status';
import type { Cgroup, CgroupUsage } from '#lib/runner/sandbox/cgroup';
import type { SupervisedProcess } from '#lib/runner/sandbox/supervision';

/** A sandbox that bubblewrap was started for. */
export interface RunningSandbox extends SupervisedProcess, StatusStream {
  /** Rejects if it could not be put into its control group; then nothing runs in it. */
  confined: Promise<void>;
  cgroup: Cgroup | undefined;
  usage: () => CgroupUsage;
  residentBytes: () => number;
}

/** When a program's time starts to count, and the CPU time that was used before. */
export interface Baseline {
  startedAt: number;
  cpuMs: number;
}
