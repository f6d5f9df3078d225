import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import { systemLayout } from '#lib/runner/sandbox/bubblewrap/arguments';
import type { BubblewrapOptions } from '#lib/runner/sandbox/bubblewrap/launcher';
import type { CgroupDriver } from '#lib/runner/sandbox/cgroup';
import { inheritedDescriptors } from '#lib/runner/sandbox/fork-server/spawn-options';
import type { GvisorOptions } from '#lib/runner/sandbox/gvisor/gvisor';
import type { Sandbox } from '#lib/runner/sandbox/sandbox';

export const execFileAsync = promisify(execFile);

/** A sandbox that works here, or a sentence that says how to get one. */
export type ProbeResult = { sandbox: Sandbox; warning?: string } | { sandbox: undefined; reason: string };

/** Options shared by all sandboxes of this machine. */
export type MachineOptions = Omit<BubblewrapOptions, 'hostUid' | 'filter'> & Pick<GvisorOptions, 'inherited'>;

const EXECUTABLES = ['/usr/bin/bwrap', '/usr/local/bin/bwrap', '/bin/bwrap'];
const PYTHONS = ['/usr/bin/python3', '/usr/local/bin/python3'];
const UNPRIVILEGED_UID = 65534;

export const HOW_TO_GET_BUBBLEWRAP =
  'Install bubblewrap and util-linux (apt-get install bubblewrap util-linux) on a machine that allows user namespaces.';

/** Explains how to allow namespaces. */
export const NEEDS_NAMESPACES =
  'It needs user namespaces: in a container, allow them (a seccomp profile that permits them, or --security-opt seccomp=unconfined with --security-opt systempaths=unconfined).';

/** Finds bubblewrap, which every tier needs, or explains how to install it. */
export async function findMachine(
  appDirectory: string,
  cgroups: CgroupDriver | undefined,
  executables: readonly string[] = EXECUTABLES,
): Promise<{ machine: MachineOptions } | { machine: undefined; reason: string }> {
  const executable = executables.find((path) => existsSync(path));
  if (executable === undefined || !existsSync('/usr/bin/prlimit'))
    return { machine: undefined, reason: `Code cannot be run here: no sandbox is installed. ${HOW_TO_GET_BUBBLEWRAP}` };
  let help: string;
  try {
    help = (await execFileAsync(executable, ['--help'])).stdout;
  } catch {
    return {
      machine: undefined,
      reason: `Code cannot be run here: ${executable} is there, but the user of this server cannot run it. Allow that (chmod 755 ${executable}), or install bubblewrap again.`,
    };
  }
  const missing = NEEDED_OPTIONS.filter((option) => !help.includes(option));
  if (missing.length > 0)
    return {
      machine: undefined,
      reason: `Code cannot be run here: this bubblewrap is too old (it lacks ${missing.join(', ')}). Install version 0.8 or later.`,
    };
  return {
    machine: {
      ...{ executable, cgroups, bindsDescriptors: help.includes('--ro-bind-fd') },
      layout: systemLayout(appDirectory, { exists: existsSync, readlink: readLink, list: listed }),
      inherited: inheritedDescriptors(),
      python: PYTHONS.find(existsSync),
    },
  };
}

const NEEDED_OPTIONS = ['--disable-userns', '--size', '--perms', '--json-status-fd', '--seccomp'];

/** Users to try: root prefers the unprivileged uid 65534, to limit what an escape could reach. */
export function hostUsers(): (number | undefined)[] {
  return process.getuid?.() === 0 ? [UNPRIVILEGED_UID, undefined] : [undefined];
}

function listed(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
