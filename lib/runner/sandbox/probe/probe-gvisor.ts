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

/** Where every sandbox sees it, and so gVisor finds itself again. */
const EXECUTABLES = ['/usr/bin/runsc', '/usr/local/bin/runsc'];
/** The ways in which gVisor can come between a program and the kernel without rights on the host, the quickest first. */
const PLATFORMS = ['systrap', 'ptrace'];

/** Tries gVisor by running a real program in it, on each platform that it has. */
export async function probeGvisor(
  machine: MachineOptions,
  places: readonly string[] = EXECUTABLES,
): Promise<ProbeResult> {
  const runsc = places.find((path) => existsSync(path));
  if (runsc === undefined)
    return refused('runsc is not installed. Install it (apt-get install runsc), or use SANDBOX=bubblewrap');
  const platforms = await platformsOf(runsc);
  let trouble = '';
  for (const hostUid of hostUsers())
    for (const platform of platforms) {
      const measured = await measure(machine, { hostUid, platform, runsc });
      if (typeof measured !== 'string')
        return { sandbox: new Gvisor({ ...machine, hostUid, runsc, platform, ...measured }) };
      trouble ||= measured;
    }
  return refused(
    `gVisor does not work on this machine (${trouble || 'it has no platform that it could use here'}). ${NEEDS_NAMESPACES} Or use SANDBOX=bubblewrap`,
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

/** What gVisor takes with next to nothing in it, or a sentence where it does not contain what it should. */
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

/** Not the host's kernel, not root, no network, a work directory that takes files, a root that does not, few processes, and its own /proc. */
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
  saw: (printed) => {
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
