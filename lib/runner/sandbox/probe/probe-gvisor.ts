import { existsSync, readFileSync } from 'node:fs';
import { Gvisor, type GvisorOptions } from '#lib/runner/sandbox/gvisor/gvisor';
import {
  execFileAsync,
  hostUsers,
  type MachineOptions,
  NEEDS_NAMESPACES,
  type ProbeResult,
} from '#lib/runner/sandbox/probe/probe-machine';
import { type ProbeProgram, runProbe } from '#lib/runner/sandbox/probe/probe-program';

/** Paths that every sandbox sees: gVisor starts itself again inside. */
const EXECUTABLES = ['/usr/bin/runsc', '/usr/local/bin/runsc'];
/** gVisor's platforms that need no privileges on the host, the fastest first. */
const PLATFORMS = ['systrap', 'ptrace'];

/** Probes gVisor by running a program in it, on each platform. */
export async function probeGvisor(
  machine: MachineOptions,
  places: readonly string[] = EXECUTABLES,
): Promise<ProbeResult> {
  const runsc = places.find((path) => existsSync(path));
  if (runsc === undefined)
    return refused('runsc is not installed. Install it (apt-get install runsc), or use SANDBOX=bubblewrap');
  const platforms = await platformsOf(runsc);
  let problem = '';
  for (const hostUid of hostUsers())
    for (const platform of platforms) {
      const measured = await measure(machine, { hostUid, platform, runsc });
      if (typeof measured !== 'string')
        return { sandbox: new Gvisor({ ...machine, hostUid, runsc, platform, ...measured }) };
      problem ||= measured;
    }
  return refused(
    `gVisor does not work on this machine (${problem || 'it has no platform that it could use here'}). ${NEEDS_NAMESPACES} Or use SANDBOX=bubblewrap`,
  );
}

async function platformsOf(runsc: string): Promise<string[]> {
  try {
    const { stdout, stderr } = await execFileAsync(runsc, ['flags']);
    return PLATFORMS.filter((platform) => `${stdout}${stderr}`.includes(platform));
  } catch {
    return [];
  }
}

function refused(sentence: string): ProbeResult {
  return { sandbox: undefined, reason: `Code cannot be run here: SANDBOX=gvisor, but ${sentence}.` };
}

/** Measures gVisor with a minimal program; returns a sentence if containment fails. */
async function measure(
  machine: MachineOptions,
  how: { hostUid: number | undefined; platform: string; runsc: string },
): Promise<Pick<GvisorOptions, 'ownBytes' | 'ownMs'> | string> {
  const candidate = new Gvisor({ ...machine, ...how, ownBytes: 0, ownMs: 0 });
  try {
    const { ended, complaint } = await runProbe(candidate, PROGRAM);
    return complaint ?? { ownBytes: ended.peakMemoryBytes, ownMs: ended.wallMs };
  } finally {
    await candidate.close();
  }
}

/**
 * Checks: gVisor's kernel, not root, no network, a writable work directory, a read-only root, few
 * processes, and a private /proc.
 */
const PROGRAM: ProbeProgram = {
  script: [
    'cat /proc/version',
    'id -u',
    'cat probe - && echo',
    'echo x > made && cat made',
    '(echo x > /made) 2>/dev/null || echo read-only',
    'grep -c : /proc/net/dev',
    'grep -E "^Cap(Eff|Bnd):" /proc/self/status | tr -s "\\t" " "',
    'test -x /opt/probe && echo bound',
    'set -- /proc/[0-9]*; test $# -lt 10 && echo alone',
    '(i=0; while [ $i -lt 40 ]; do sleep 10 & i=$((i+1)); done) 2>/dev/null || echo bounded',
  ].join('; '),
  passes: (printed) => {
    const [kernel, ...rest] = printed.split('\n');
    return kernel !== readFileSync('/proc/version', 'utf8').trim() && rest.join('\n') === EXPECTED;
  },
};

const EXPECTED = [
  '1000',
  'read mestdin',
  'x',
  'read-only',
  '1',
  'CapEff: 0000000000000000',
  'CapBnd: 0000000000000000',
  'bound',
  'alone',
  'bounded',
  '',
].join('\n');
