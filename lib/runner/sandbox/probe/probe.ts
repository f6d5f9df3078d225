import type { Config } from '#lib/config/config';
import { Bubblewrap } from '#lib/runner/sandbox/bubblewrap/bubblewrap';
import { type CgroupDriver, findCgroupDriver } from '#lib/runner/sandbox/cgroup';
import { probeGvisor } from '#lib/runner/sandbox/probe/probe-gvisor';
import {
  findMachine,
  hostUsers,
  type MachineOptions,
  NEEDS_NAMESPACES,
  type ProbeResult,
} from '#lib/runner/sandbox/probe/probe-machine';
import { type ProbeProgram, runProbe } from '#lib/runner/sandbox/probe/probe-program';
import { seccompFilter } from '#lib/runner/sandbox/seccomp/filter';
import { Unsandboxed } from '#lib/runner/sandbox/unsandboxed';

export type { ProbeResult } from '#lib/runner/sandbox/probe/probe-machine';

/** Returns the strongest sandbox that works here and that the operator allows. */
export async function probe(
  wanted: Config['SANDBOX'],
  appDirectory: string,
  controlGroups: () => CgroupDriver | undefined = findCgroupDriver,
): Promise<ProbeResult> {
  if (wanted === 'none') return { sandbox: new Unsandboxed(), warning: BARE_WARNING };
  const found = await findMachine(appDirectory, controlGroups());
  if (found.machine === undefined) return { sandbox: undefined, reason: found.reason };
  return wanted === 'gvisor' ? probeGvisor(found.machine) : probeBubblewrap(found.machine);
}

const BARE_WARNING =
  'SANDBOX=none: programs run without any sandbox, with all rights of the server. Anyone who reaches this server can do anything on this machine.';

/** Probes bubblewrap by running a program in it that checks containment. */
async function probeBubblewrap(machine: MachineOptions): Promise<ProbeResult> {
  let problem = '';
  for (const hostUid of hostUsers()) {
    const candidate = new Bubblewrap({ ...machine, hostUid, filter: seccompFilter(machine.cgroups !== undefined) });
    const { complaint } = await runProbe(candidate, PROGRAM);
    if (complaint === undefined) return { sandbox: candidate };
    problem ||= complaint;
    await candidate.close();
  }
  return {
    sandbox: undefined,
    reason: `Code cannot be run here: bubblewrap does not work on this machine (${problem}). ${NEEDS_NAMESPACES}`,
  };
}

/**
 * Checks: not root, no network, a seccomp filter, a writable work directory, a read-only root, few
 * processes, and a private /proc.
 */
const PROGRAM: ProbeProgram = {
  script: [
    'id -u',
    'cat probe - && echo',
    'echo x > made && cat made',
    '(echo x > /made) 2>/dev/null || echo read-only',
    'grep -c : /proc/net/dev',
    'grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status | tr -s "\\t" " "',
    'test -x /opt/probe && echo bound',
    'ls -d /proc/[0-9]* | wc -l | grep -qE "^[1-9]$" && echo alone',
    // A shell that cannot fork gives up; its children end with the sandbox.
    '(i=0; while [ $i -lt 40 ]; do sleep 10 & i=$((i+1)); done) 2>/dev/null || echo bounded',
  ].join('; '),
  passes: (printed) => printed === EXPECTED,
};

const EXPECTED = [
  '1000',
  'read mestdin',
  'x',
  'read-only',
  '1',
  'CapEff: 0000000000000000',
  'NoNewPrivs: 1',
  'Seccomp: 2',
  'bound',
  'alone',
  'bounded',
  '',
].join('\n');
