import { execFile } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Config } from '#lib/config/index';
import { Bare } from '#lib/runner/sandbox/bare';
import { Bubblewrap } from '#lib/runner/sandbox/bubblewrap';
import { systemLayout } from '#lib/runner/sandbox/bubblewrap-arguments';
import { type CgroupDriver, findCgroups } from '#lib/runner/sandbox/cgroup';
import { inheritedDescriptors } from '#lib/runner/sandbox/descriptors';
import type { Ended, Job, Sandbox } from '#lib/runner/sandbox/sandbox';
import { seccompFilter } from '#lib/runner/sandbox/seccomp/filter';

const run = promisify(execFile);

/** A sandbox that works here, or a sentence that says what to do about it. */
export type Probed = { sandbox: Sandbox; warning?: string } | { sandbox: undefined; reason: string };

const EXECUTABLES = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];
const NOBODY = 65534;
const MB = 1024 * 1024;

export const HOW_TO_GET_BUBBLEWRAP =
  'Install bubblewrap and util-linux (apt-get install bubblewrap util-linux) on a machine that allows user namespaces.';

/** Tries bubblewrap by running a real program in it, which must see exactly what it should. */
export async function probeBubblewrap(appDirectory: string, cgroups: CgroupDriver | undefined): Promise<Probed> {
  const executable = EXECUTABLES.find((path) => existsSync(path));
  if (executable === undefined || !existsSync('/usr/bin/prlimit'))
    return { sandbox: undefined, reason: `Code cannot be run here: no sandbox is installed. ${HOW_TO_GET_BUBBLEWRAP}` };
  const { stdout: help } = await run(executable, ['--help']);
  const missing = NEEDED_OPTIONS.filter((option) => !help.includes(option));
  if (missing.length > 0)
    return {
      sandbox: undefined,
      reason: `Code cannot be run here: this bubblewrap is too old (it lacks ${missing.join(', ')}). Install version 0.8 or later.`,
    };
  let trouble = '';
  for (const hostUid of hostUsers()) {
    const candidate = new Bubblewrap({
      executable,
      layout: systemLayout(appDirectory, existsSync, readLink),
      hostUid,
      cgroups,
      bindsDescriptors: help.includes('--ro-bind-fd'),
      filter: seccompFilter(cgroups !== undefined),
      inherited: inheritedDescriptors(),
    });
    const complaint = await check(candidate);
    if (complaint === undefined) return { sandbox: candidate };
    trouble ||= complaint;
    await candidate.close();
  }
  return {
    sandbox: undefined,
    reason: `Code cannot be run here: bubblewrap does not work on this machine (${trouble}). It needs user namespaces: in a container, allow them (a seccomp profile that permits them, or --security-opt seccomp=unconfined with --security-opt systempaths=unconfined).`,
  };
}

/** A server that runs as root gives its sandboxes to nobody, so that even a way out of one would lead to little. */
function hostUsers(): (number | undefined)[] {
  return process.getuid?.() === 0 ? [NOBODY, undefined] : [undefined];
}

const NEEDED_OPTIONS = ['--disable-userns', '--size', '--perms', '--json-status-fd', '--seccomp'];

/** Runs the probe program; a sentence where something is not as it must be. */
async function check(sandbox: Sandbox): Promise<string | undefined> {
  let seen = '';
  let complaint = '';
  const job: Job = {
    argv: ['/bin/sh', '-c', PROBE],
    env: {},
    // The server's own Node: a file that may lie where only the server's user can reach it.
    binds: [{ from: process.execPath, at: '/opt/probe' }],
    files: [{ name: 'probe', content: Buffer.from('read me') }],
    stdin: Buffer.from('stdin'),
    limits: PROBE_LIMITS,
    onStdout: (chunk) => {
      seen += chunk.toString();
      return true;
    },
    onStderr: (chunk) => {
      complaint += chunk.toString();
      return true;
    },
  };
  let ended: Ended;
  try {
    ended = await sandbox.run(job);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (!ended.started) return ended.trouble.trim();
  if (ended.exitCode !== 0 || seen !== EXPECTED)
    return `the probe program ended with ${ended.exitCode} and saw ${JSON.stringify(`${seen}${complaint}`)}`;
  return undefined;
}

/** Not root, no network, a filter in force, a work directory that takes files, a root that does not, few processes, and its own /proc. */
const PROBE = [
  'id -u',
  'cat probe - && echo',
  'echo x > made && cat made',
  '(echo x > /made) 2>/dev/null || echo read-only',
  'grep -c : /proc/net/dev',
  'grep -E "^(Seccomp|NoNewPrivs|CapEff):" /proc/self/status | tr -s "\\t" " "',
  'test -x /opt/probe && echo bound',
  'ls -d /proc/[0-9]* | wc -l | grep -qE "^[1-9]$" && echo alone',
  // The shell gives up where it cannot fork; what it has started until then ends with the probe.
  '(i=0; while [ $i -lt 40 ]; do sleep 10 & i=$((i+1)); done) 2>/dev/null || echo bounded',
].join('; ');
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

const PROBE_LIMITS = {
  wallMs: 10_000,
  cpuSeconds: 10,
  memoryBytes: 64 * MB,
  processes: 16,
  diskBytes: MB,
  openFiles: 64,
  dataBytes: 1024 * MB,
  outputBytes: 10_000,
};

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** The strongest sandbox that works here, of those that the operator allows. */
export async function probe(
  wanted: Config['SANDBOX'],
  appDirectory: string,
  controlGroups: () => CgroupDriver | undefined = findCgroups,
): Promise<Probed> {
  switch (wanted) {
    case 'auto':
    case 'bubblewrap':
      return probeBubblewrap(appDirectory, controlGroups());
    case 'gvisor':
      return {
        sandbox: undefined,
        reason:
          'Code cannot be run here: SANDBOX=gvisor needs runsc, which is not supported yet. Use SANDBOX=bubblewrap.',
      };
    case 'none':
      return { sandbox: new Bare(), warning: BARE_WARNING };
  }
}

const BARE_WARNING =
  'SANDBOX=none: programs run without any sandbox, with all rights of the server. Anyone who reaches this server can do anything on this machine.';
