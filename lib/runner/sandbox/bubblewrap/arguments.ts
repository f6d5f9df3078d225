import type { Bind } from '#lib/languages/language';
import { PROGRAM, shellQuote } from '#lib/languages/sandbox-interface';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import { MIB } from '#lib/units';

/** Where programs run and may write. /tmp links to it, so that one bound holds for both. */
export const WORK_DIRECTORY = '/work';
/** The user inside the sandbox. Its user on the host is `BubblewrapOptions.hostUid`. */
export const SANDBOX_UID = 1000;

/** The directory layout of this machine, read once. */
export interface SystemLayout {
  /** Directories and files that every program sees. */
  binds: readonly Bind[];
  /** Pairs of link and target, relative to the root. */
  symlinks: readonly (readonly [string, string])[];
  /** Directories below the bound ones that programs may not see: the app. */
  hidden: readonly string[];
}

/** Numbers of the descriptors that bubblewrap gets. */
export interface PassedDescriptors {
  status: number;
  seccomp: number;
  /** Read-only files such as /etc/passwd. */
  system: readonly { fd: number; at: string }[];
  /** By descriptor if supported: the user of the sandbox may not be able to reach the path. */
  binds: readonly { from: string; fd: number | undefined; at: string }[];
  /** Copied to `PROGRAM`. */
  program: number | undefined;
  /** bubblewrap copies it to `LAUNCH_SCRIPT`, and blocks until it ends. */
  gate: number | undefined;
  /** Takes the place of `program` if that becomes known at launch. */
  lateProgram: number | undefined;
  /** Copied into the work directory. */
  files: readonly { fd: number; name: string }[];
}

/** Where an empty sandbox finds its command. */
const LAUNCH_SCRIPT = '/arguments';

const MAX_SHARED_MEMORY_BYTES = 16 * MIB;

function sharedMemoryBytes(diskBytes: number): number {
  return Math.min(MAX_SHARED_MEMORY_BYTES, diskBytes);
}

/** The tmpfs mounts that a program can write to, with their sizes. Pure. */
export function writableMounts(diskBytes: number): { mount: string; bound: number }[] {
  return [
    { mount: WORK_DIRECTORY, bound: diskBytes },
    { mount: '/dev/shm', bound: sharedMemoryBytes(diskBytes) },
  ];
}

/**
 * Builds what bubblewrap reads from `--args`, which no process inside can read. A later mount
 * covers an earlier one, and the directory that the program may write comes last. See
 * docs/sandbox.md.
 */
export function bubblewrapArguments(
  layout: SystemLayout,
  passed: PassedDescriptors,
  env: Readonly<Record<string, string>>,
  limits: ResourceLimits,
): string[] {
  const sharedMemory = sharedMemoryBytes(limits.diskBytes);
  return [
    ...['--unshare-all', '--unshare-user', '--disable-userns'],
    ...['--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL'],
    ...['--uid', `${SANDBOX_UID}`, '--gid', `${SANDBOX_UID}`, '--hostname', 'sandbox'],
    ...['--json-status-fd', `${passed.status}`, '--seccomp', `${passed.seccomp}`],
    ...systemArguments(layout, passed),
    // The kernel lets root write /proc/sys without a capability, and users some of its files.
    ...['--remount-ro', '/proc'],
    ...['--dev', '/dev', '--size', `${sharedMemory}`, '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    // No pseudo-terminals: their number is limited for the whole machine.
    ...['--size', '4096', '--tmpfs', '/dev/pts', '--remount-ro', '/dev/pts'],
    ...['--symlink', WORK_DIRECTORY.slice(1), '/tmp'],
    ...['--size', `${limits.diskBytes}`, '--tmpfs', WORK_DIRECTORY],
    // A copy: its source may be on a file system that forbids execution.
    ...copyArguments(passed.program, '0555', PROGRAM),
    ...copyArguments(passed.gate, '0444', LAUNCH_SCRIPT),
    ...copyArguments(passed.lateProgram, '0555', PROGRAM),
    ...passed.files.flatMap(({ fd, name }) => ['--perms', '0644', '--file', `${fd}`, `${WORK_DIRECTORY}/${name}`]),
    ...['--remount-ro', '/', '--chdir', WORK_DIRECTORY],
    ...Object.entries({ ...BASE_ENV, ...env }).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

/**
 * Builds the arguments for a zygote, which mounts what a program can write in namespaces of the
 * program. No user code runs in the zygote's sandbox, which has no writable file system.
 */
export function zygoteArguments(
  layout: SystemLayout,
  passed: Pick<PassedDescriptors, 'status' | 'system' | 'binds' | 'program'> & { script: number; scriptPath: string },
  env: Readonly<Record<string, string>>,
): string[] {
  return [
    ...['--unshare-all', '--unshare-user', '--die-with-parent', '--new-session', '--as-pid-1', '--cap-drop', 'ALL'],
    ...['--uid', `${SANDBOX_UID}`, '--gid', `${SANDBOX_UID}`, '--hostname', 'sandbox'],
    ...['--json-status-fd', `${passed.status}`],
    ...systemArguments(layout, passed),
    ...['--dev', '/dev', '--remount-ro', '/dev'],
    ...['--size', '4096', '--tmpfs', '/dev/pts', '--remount-ro', '/dev/pts'],
    ...['--symlink', WORK_DIRECTORY.slice(1), '/tmp', '--dir', WORK_DIRECTORY],
    ...copyArguments(passed.program, '0555', PROGRAM),
    ...copyArguments(passed.script, '0444', passed.scriptPath),
    ...['--remount-ro', '/', '--chdir', WORK_DIRECTORY],
    ...Object.entries({ ...BASE_ENV, ...env }).flatMap(([name, value]) => ['--setenv', name, value]),
  ];
}

/** What every program sees, read-only, and /proc. */
function systemArguments(layout: SystemLayout, passed: Pick<PassedDescriptors, 'system' | 'binds'>): string[] {
  return [
    ...layout.binds.flatMap(({ from, at }) => ['--ro-bind', from, at ?? from]),
    ...layout.symlinks.flatMap(([link, target]) => ['--symlink', target, link]),
    ...layout.hidden.flatMap((path) => ['--size', '4096', '--tmpfs', path, '--remount-ro', path]),
    ...passed.binds.flatMap(({ from, fd, at }) =>
      fd === undefined ? ['--ro-bind', from, at] : ['--ro-bind-fd', `${fd}`, at],
    ),
    ...passed.system.flatMap(({ fd, at }) => ['--perms', '0444', '--file', `${fd}`, at]),
    ...['--proc', '/proc'],
  ];
}

function copyArguments(fd: number | undefined, permissions: string, at: string): string[] {
  return fd === undefined ? [] : ['--perms', permissions, '--file', `${fd}`, at];
}

export const BASE_ENV = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  HOME: WORK_DIRECTORY,
  TMPDIR: '/tmp',
  USER: 'sandbox',
  LANG: 'C.UTF-8',
  TZ: 'UTC',
};

/**
 * Sets the rlimits and runs the program under a shell, which is the first process of the
 * namespace. The shell reaps orphans and ends with the program; the kernel then ends all other
 * processes before bubblewrap's monitor returns. bubblewrap's own init would outlive the monitor.
 *
 * The limits are set inside, where NPROC counts for this user namespace only. The shell's messages
 * about a crash (`Segmentation fault`) do not become output of the program.
 */
export function supervisedCommand(argv: readonly string[], limits: ResourceLimits): string[] {
  return ['/bin/sh', '-c', `${limitsScript(limits)}${QUIETLY}${SUPERVISED}`, 'sh', ...argv];
}

/** As `supervisedCommand`, for a command that `launchScript` supplies later. */
export function deferredCommand(limits: ResourceLimits): string[] {
  return ['/bin/sh', '-c', `${limitsScript(limits)}${QUIETLY}. ${LAUNCH_SCRIPT}; ${SUPERVISED}`];
}

/** The shell script with the command of an empty sandbox. It can only lower limits. */
export function launchScript(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { cpuSeconds }: Pick<ResourceLimits, 'cpuSeconds'>,
): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  return `ulimit -t ${cpuSeconds}\n${variables.join('')}set -- ${argv.map(shellQuote).join(' ')}\n`;
}

export { shellQuote };

const QUIETLY = 'exec 9>&2 2>/dev/null; ';
const SUPERVISED = '(exec "$@" 2>&9 9>&-); exit $?';

/**
 * Sets limits in the shell itself, which is faster than `prlimit`. Runs nothing if one cannot be
 * set. bash names the number of processes `-u`, other shells `-p`. Files count in blocks of 512
 * bytes (POSIX), data in KiB.
 */
function limitsScript(limits: ResourceLimits): string {
  const processes = limits.processes + 1;
  return [
    `{ ulimit -u ${processes} 2>/dev/null || ulimit -p ${processes}; }`,
    `ulimit -f ${Math.floor(limits.diskBytes / BLOCK_BYTES)}`,
    `ulimit -n ${limits.openFiles}`,
    `ulimit -t ${limits.cpuSeconds}`,
    `ulimit -d ${Math.floor(limits.dataBytes / 1024)}`,
    'ulimit -c 0 || exit; ',
  ].join(' && ');
}

const BLOCK_BYTES = 512;

/** Read access to the files of the machine. */
export interface FileSystemView {
  exists: (path: string) => boolean;
  /** Undefined if the path is not a link. */
  readlink: (path: string) => string | undefined;
  /** Undefined if the path is not a directory. */
  list: (path: string) => string[] | undefined;
}

/** Reads the directory layout of this machine. */
export function systemLayout(appDirectory: string, { exists, readlink, list }: FileSystemView): SystemLayout {
  const binds: Bind[] = [];
  const symlinks: [string, string][] = [];
  for (const path of SYSTEM_PATHS.filter(exists)) {
    const names = list(path) ?? [];
    // A bind costs bubblewrap far more than a link.
    const links = names.length > MAX_LINKS ? [] : names.map((name) => [`${path}/${name}`, readlink(`${path}/${name}`)]);
    if (links.length > 0 && links.every(isLink)) symlinks.push(...links);
    else binds.push({ from: path });
  }
  for (const path of ROOT_PATHS) {
    const target = readlink(path);
    if (target !== undefined) symlinks.push([path, target]);
    else if (exists(path)) binds.push({ from: path });
  }
  const hidden = binds.some(({ from }) => `${appDirectory}/`.startsWith(`${from}/`)) ? [appDirectory] : [];
  return { binds, symlinks, hidden };
}

const MAX_LINKS = 4;

function isLink(entry: readonly (string | undefined)[]): entry is [string, string] {
  return entry[1] !== undefined;
}

/**
 * Programs and libraries, and the few files of /etc that they read. Not the whole /usr: container
 * images put apps below it.
 */
const SYSTEM_PATHS = [
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  // Some systems keep the compiler's own programs here.
  '/usr/libexec/gcc',
  '/usr/local/bin',
  '/usr/local/lib',
  '/usr/share/zoneinfo',
  '/etc/alternatives',
  '/etc/ld.so.cache',
];
/** Links into /usr on a merged system, directories on an older one. */
const ROOT_PATHS = ['/bin', '/lib', '/lib64'];

/** Names of the only user and of the loopback address. */
export const SYSTEM_FILES: readonly { at: string; content: string }[] = [
  { at: '/etc/passwd', content: `sandbox:x:${SANDBOX_UID}:${SANDBOX_UID}::${WORK_DIRECTORY}:/bin/sh\n` },
  { at: '/etc/group', content: `sandbox:x:${SANDBOX_UID}:\n` },
  { at: '/etc/hosts', content: '127.0.0.1 localhost\n::1 localhost\n' },
];
