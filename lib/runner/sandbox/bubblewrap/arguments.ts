import type { Bind } from '#lib/languages/language';
import type { ResourceLimits } from '#lib/runner/resource-limits';
import { PROGRAM } from '#lib/runner/sandbox/sandbox';

/** Where programs run and may write. /tmp is the same place, so that one bound holds for all of it. */
export const WORK_DIRECTORY = '/work';
/** Inside the sandbox; outside it is whoever the server lets it be. */
export const SANDBOX_UID = 1000;

/** How the directories of this machine are laid out; read once. */
export interface SystemLayout {
  /** Directories and files that every program sees. */
  binds: readonly Bind[];
  /** Link to target, relative to the root. */
  symlinks: readonly (readonly [string, string])[];
  /** Directories below the bound ones that nobody may see: the app itself. */
  hidden: readonly string[];
}

/** What is handed to bubblewrap as a descriptor: its number there. */
export interface PassedDescriptors {
  status: number;
  seccomp: number;
  /** Read-only files that the sandbox gets beside the program's. */
  system: readonly { fd: number; at: string }[];
  /** Bound by descriptor where bubblewrap can: the sandbox's user may not be able to reach the path. */
  binds: readonly { from: string; fd: number | undefined; at: string }[];
  /** Copied to `PROGRAM`. */
  program: number | undefined;
  /** Read to its end before what follows, and copied to `ARGUMENTS`: until then nothing goes on. */
  gate: number | undefined;
  /** In the place of `program`, where that was not known before. */
  lateProgram: number | undefined;
  /** Copied into the work directory. */
  files: readonly { fd: number; name: string }[];
}

/** Where a sandbox that was set up beforehand finds what it runs. */
const ARGUMENTS = '/arguments';

const MB = 1024 * 1024;
const MAX_SHARED_MEMORY_BYTES = 16 * MB;

function sharedMemoryBytes(diskBytes: number): number {
  return Math.min(MAX_SHARED_MEMORY_BYTES, diskBytes);
}

/** The file systems in memory that a program with so much disk can write to. Pure. */
export function writableMounts(diskBytes: number): { mount: string; bound: number }[] {
  return [
    { mount: WORK_DIRECTORY, bound: diskBytes },
    { mount: '/dev/shm', bound: sharedMemoryBytes(diskBytes) },
  ];
}

/**
 * What bubblewrap is told through `--args`, which nobody inside can read. The order matters: what is mounted later lies above
 * what was mounted before, and the one directory that the program may write comes last (SANDBOX.md).
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
    ...layout.binds.flatMap(({ from, at }) => ['--ro-bind', from, at ?? from]),
    ...layout.symlinks.flatMap(([link, target]) => ['--symlink', target, link]),
    ...layout.hidden.flatMap((path) => ['--size', '4096', '--tmpfs', path, '--remount-ro', path]),
    ...passed.binds.flatMap(({ from, fd, at }) =>
      fd === undefined ? ['--ro-bind', from, at] : ['--ro-bind-fd', `${fd}`, at],
    ),
    ...passed.system.flatMap(({ fd, at }) => ['--perms', '0444', '--file', `${fd}`, at]),
    ...['--proc', '/proc'],
    ...['--dev', '/dev', '--size', `${sharedMemory}`, '--tmpfs', '/dev/shm', '--remount-ro', '/dev'],
    // No pseudo-terminals: the machine has a fixed number of them for all of its users.
    ...['--size', '4096', '--tmpfs', '/dev/pts', '--remount-ro', '/dev/pts'],
    ...['--symlink', WORK_DIRECTORY.slice(1), '/tmp'],
    ...['--size', `${limits.diskBytes}`, '--tmpfs', WORK_DIRECTORY],
    // A copy, since where it comes from may not allow execution.
    ...copyArguments(passed.program, '0555', PROGRAM),
    ...copyArguments(passed.gate, '0444', ARGUMENTS),
    ...copyArguments(passed.lateProgram, '0555', PROGRAM),
    ...passed.files.flatMap(({ fd, name }) => ['--perms', '0644', '--file', `${fd}`, `${WORK_DIRECTORY}/${name}`]),
    ...['--remount-ro', '/', '--chdir', WORK_DIRECTORY],
    ...Object.entries({ ...BASE_ENV, ...env }).flatMap(([name, value]) => ['--setenv', name, value]),
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
 * Sets the rlimits and runs the program under a shell that is the namespace's first process: it reaps orphans, and when the
 * program ends, it ends, and the kernel ends whatever else is there before bubblewrap's monitor returns. bubblewrap's own
 * init would let the monitor go first, and would itself be left to whoever reaps orphans on the host, if anybody does.
 *
 * The limits are set inside, where NPROC counts for this user namespace alone. What the shell has to say about a crash
 * (`Segmentation fault`) is not the program's output.
 */
export function supervisedCommand(argv: readonly string[], limits: ResourceLimits): string[] {
  return ['/bin/sh', '-c', `${limitsScript(limits)}${QUIETLY}${SUPERVISED}`, 'sh', ...argv];
}

/** The same where what is run was not known yet: it comes with `launchScript`. */
export function deferredCommand(limits: ResourceLimits): string[] {
  return ['/bin/sh', '-c', `${limitsScript(limits)}${QUIETLY}. ${ARGUMENTS}; ${SUPERVISED}`];
}

/** What is run in a sandbox that was set up beforehand, as a shell reads it. Limits can be lowered only. */
export function launchScript(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
  { cpuSeconds }: Pick<ResourceLimits, 'cpuSeconds'>,
): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`);
  return `ulimit -t ${cpuSeconds}\n${variables.join('')}set -- ${argv.map(shellQuote).join(' ')}\n`;
}

/** A word as a shell reads it literally. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

const QUIETLY = 'exec 9>&2 2>/dev/null; ';
const SUPERVISED = '(exec "$@" 2>&9 9>&-); exit $?';

/**
 * In the shell itself: to start `prlimit` first would take a millisecond. Where one cannot be set, nothing is run. The number of
 * processes has another name in bash than in other shells. Files are counted in blocks of 512 bytes (POSIX), data in KiB.
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

/** What is asked of the machine's files. */
export interface FileSystemView {
  exists: (path: string) => boolean;
  /** Undefined for what is not a link. */
  readlink: (path: string) => string | undefined;
  /** Undefined for what is not a directory. */
  list: (path: string) => string[] | undefined;
}

/** Finds out how this machine is laid out. */
export function systemLayout(appDirectory: string, { exists, readlink, list }: FileSystemView): SystemLayout {
  const binds: Bind[] = [];
  const symlinks: [string, string][] = [];
  for (const path of SYSTEM_PATHS.filter(exists)) {
    const names = list(path) ?? [];
    // Each bind takes bubblewrap a quarter of a millisecond, and a link next to nothing.
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

/** Programs and libraries, and the few files of /etc that they read. Not /usr as a whole: images put apps below it. */
const SYSTEM_PATHS = [
  '/usr/bin',
  '/usr/lib',
  '/usr/lib64',
  // Where some systems have the compiler's own programs.
  '/usr/libexec/gcc',
  '/usr/local/bin',
  '/usr/local/lib',
  '/usr/share/zoneinfo',
  '/etc/alternatives',
  '/etc/ld.so.cache',
];
/** Links into /usr on a merged system, directories of their own on an older one. */
const ROOT_PATHS = ['/bin', '/lib', '/lib64'];

/** Names for the one user that there is, and for the loopback that leads nowhere. */
export const SYSTEM_FILES: readonly { at: string; content: string }[] = [
  { at: '/etc/passwd', content: `sandbox:x:${SANDBOX_UID}:${SANDBOX_UID}::${WORK_DIRECTORY}:/bin/sh\n` },
  { at: '/etc/group', content: `sandbox:x:${SANDBOX_UID}:\n` },
  { at: '/etc/hosts', content: '127.0.0.1 localhost\n::1 localhost\n' },
];
